"""Confine this process: it starts no other process and connects to this machine only.

ministack runs code for some services and calls other hosts for some. None of those is served (allow_list.py); this
holds even if one were. Source: Python documentation, "Audit events table"; an audit hook cannot be removed.
"""

from __future__ import annotations

import sys
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


def confine() -> None:
    """Refuse, from now on and for good, to start a process or to connect to another machine."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in PROCESS_EVENTS:
        raise PermissionError(f"the emulator starts no process ({event}): no service that it serves needs one")
    if event in CONNECT_EVENTS and not _is_on_this_machine(arguments[1]):
        raise PermissionError(f"the emulator connects to {', '.join(sorted(LOOPBACK_HOSTS))} only, not {arguments[1]}")


def _is_on_this_machine(address: object) -> bool:
    # A connected socket sends without an address.
    return address is None or (isinstance(address, tuple) and address[0] in LOOPBACK_HOSTS)
