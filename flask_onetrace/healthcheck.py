"""Check the service's health, for the container's HEALTHCHECK: the image has no curl.

A new interpreter every ten seconds, on the CPU of the service: what it imports is most of its cost. So it sends the
request by a socket, and reads the settings in full only to say why there is no response.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Mapping

from flask_onetrace.contract import CONTAINER_PORT, RUNTIME_HEALTH_CHECK_PATH, Variable

_TIMEOUT = 3.0
_SUCCESS = 2
_MAX_PORT = 65_535
_MAX_DIGITS = 9
"""Of a port, zeros in front of it included."""
_MAX_HEAD = 65_536
"""Bytes of a response's status line and headers."""


def main() -> int:
    """Return 0 when the health check on this machine's port responds with a 2xx, else 1 with the reason on stderr."""
    try:
        port, path = target(os.environ)
        reason = _problem(port, path)
    # A port that is none, a refused connection, or a timeout.
    except (ValueError, OverflowError, OSError) as error:
        reason = str(error)
    if reason is None:
        return 0
    sys.stderr.write(f"not healthy: {_invalid_settings() or reason}\n")
    return 1


def target(environ: Mapping[str, str]) -> tuple[int, str]:
    """Return the port and the path of the health check, as the settings have them. Raises `ValueError`."""
    port = environ.get(Variable.PORT, "").strip() or str(CONTAINER_PORT)
    path = environ.get(Variable.HEALTH_CHECK_PATH, "").strip() or RUNTIME_HEALTH_CHECK_PATH
    if not (port.isascii() and port.isdigit() and len(port) <= _MAX_DIGITS and 1 <= int(port) <= _MAX_PORT):
        from flask_onetrace.settings import Settings  # noqa: PLC0415 - what they use in place of such a value

        return Settings.from_env(environ).port, path
    return int(port), path


def _problem(port: int, path: str) -> str | None:
    """Return what is wrong with the response, None for a 2xx. Raises `OSError` where there is none.

    It follows no redirect: the load balancer's health check does not, and takes a login page for no health. Nor does it
    use a proxy of the environment.
    """
    encoded = "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in path.encode())  # noqa: PLR2004 - ASCII's printable
    head = _head(port, f"GET {encoded} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
    line, *headers = head.split("\r\n")
    version, _, rest = line.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/") or not status.isdigit():
        return f"GET {path} returned no HTTP response"
    if int(status) // 100 == _SUCCESS:
        return None
    location = next((each.partition(":")[2].strip() for each in headers if each.lower().startswith("location:")), "")
    return f"GET {path} returned {status}{f' to {location}' if location else ''}, expected a 2xx"


def _head(port: int, request: bytes) -> str:
    """Return the status line and the headers of the response. Raises `OSError`."""
    deadline = time.monotonic() + _TIMEOUT
    received = b""
    with socket.socket() as connection:
        connection.settimeout(_TIMEOUT)
        connection.connect(("127.0.0.1", port))
        connection.sendall(request)
        while b"\r\n\r\n" not in received and len(received) < _MAX_HEAD:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            if not (part := connection.recv(4096)):
                break
            received += part
    return received.partition(b"\r\n\r\n")[0].decode("latin-1")


def _invalid_settings() -> str | None:
    """Return what is wrong with the settings, with which the service does not start."""
    from flask_onetrace.parsing import SettingsError  # noqa: PLC0415 - a healthy service does not pay for it
    from flask_onetrace.settings import Settings  # noqa: PLC0415 - the same

    try:
        Settings.from_env()
    except SettingsError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.exit(main())
