"""Choose free ports on 127.0.0.1."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Final

from operations.errors import OperatorError

LOOPBACK: Final = "127.0.0.1"
PORT_VARIABLE: Final = "LOCAL_PORT"
ATTEMPTS: Final = 50
HIGHEST: Final = 65_535


def is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Return whether a server can bind `port` now."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that is free for both TCP and UDP. Raises `OperatorError` after 50 attempts."""
    for _ in range(ATTEMPTS):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
        if is_free(port, socket.SOCK_DGRAM):
            return port
    raise OperatorError(f"No free port on {LOOPBACK} after {ATTEMPTS} attempts", "Stop programs that hold many sockets")


def load_balancer_port(environ: Mapping[str, str]) -> int:
    """Return the port that `LOCAL_PORT` sets, or a free one. Raises `OperatorError` if the set port is in use."""
    fixed = fixed_port(environ)
    if fixed is None:
        return free_port()
    if not is_free(fixed):
        raise OperatorError(
            f"{PORT_VARIABLE}={fixed}: port {fixed} on {LOOPBACK} is in use",
            f"Stop what listens there, set {PORT_VARIABLE} to another port, or unset it to use a free one",
        )
    return fixed


def fixed_port(environ: Mapping[str, str]) -> int | None:
    """Return the port that `LOCAL_PORT` sets, if any. Raises `OperatorError` if it is not a port number."""
    text = environ.get(PORT_VARIABLE, "").strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= HIGHEST:
        raise OperatorError(f"{PORT_VARIABLE}={text!r} is not a port number", f"Set it to a number from 1 to {HIGHEST}")
    return int(text)
