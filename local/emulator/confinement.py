"""Confine this process: it starts no other process and connects to this machine and what it was given only.

ministack runs code for some services and calls other hosts for some. None of those is served (allow_list.py); this
holds even if one were. Source: Python documentation, "Audit events table"; an audit hook cannot be removed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Any, Final

PROCESS_EVENTS: Final = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "subprocess.Popen",
    }
)
CONNECT_EVENTS: Final = frozenset({"socket.connect", "socket.sendmsg", "socket.sendto"})
LOOPBACK_HOSTS: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Network = IPv4Network | IPv6Network


def confine(*, networks: Iterable[Network] = (), sockets: Iterable[Path] = ()) -> None:
    """Refuse, from now on and for good, to start a process or to connect to another machine.

    `networks` and the Unix domain `sockets` may be connected to beside the loopback addresses. Each call adds a hook
    that refuses what it does not know, so a process calls it once.
    """
    networks, paths = tuple(networks), frozenset(str(each) for each in sockets)
    names = ", ".join(sorted(LOOPBACK_HOSTS) + [str(each) for each in networks] + sorted(paths))

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROCESS_EVENTS:
            raise PermissionError(f"the emulator starts no process ({event}): no service that it serves needs one")
        if event in CONNECT_EVENTS and not _is_allowed(arguments[1], networks, paths):
            raise PermissionError(f"the emulator connects to {names} only, not {arguments[1]}")

    sys.addaudithook(refuse)


def _is_allowed(address: object, networks: tuple[Network, ...], paths: frozenset[str]) -> bool:
    # A connected socket sends without an address.
    if address is None:
        return True
    if isinstance(address, (str, bytes)):
        return os.fsdecode(address) in paths
    if not isinstance(address, tuple):
        return False
    host = address[0]
    return host in LOOPBACK_HOSTS or (isinstance(host, str) and _is_within(host, networks))


def _is_within(host: str, networks: tuple[Network, ...]) -> bool:
    try:
        ip = ip_address(host)
    except ValueError:  # a name, which could resolve to anything
        return False
    return any(ip in network for network in networks)
