"""Find the ports of this machine that an application's variables name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_ADDRESS: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):(?P<port>[0-9]{1,5})(?![0-9])", re.IGNORECASE)
MAX_PORT: Final = 65535


def host_ports(values: Iterable[str]) -> set[int]:
    """Return the port of each `127.0.0.1:<port>` or `localhost:<port>` in the values, as of a URL.

    A container has another 127.0.0.1 than this machine: these ports are forwarded.
    """
    found = {int(match["port"]) for value in values for match in _ADDRESS.finditer(value)}
    return {port for port in found if 0 < port <= MAX_PORT}
