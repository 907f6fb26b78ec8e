"""Refuse every connection and name lookup of this Python process ("Audit events table", Python documentation)."""

import sys
from typing import Final

REFUSED: Final = {"socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"}


def refuse(event: str, _: object) -> None:
    if event in REFUSED:
        raise PermissionError(f"offline: this process may not use {event}")


sys.addaudithook(refuse)
