"""Send requests that no HTTP library would send."""

from __future__ import annotations

import http.client
import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def send(port: int, request_line: str, *headers: str, body: bytes = b"") -> Answer:
    """Send exactly these lines and return the response."""
    length = (f"Content-Length: {len(body)}",) if body else ()
    head = "\r\n".join((request_line, *headers, *length, "Connection: close", "", ""))
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(head.encode("latin-1") + body)
        response = http.client.HTTPResponse(connection, method=request_line.partition(" ")[0])
        response.begin()
        return Answer(
            response.status, {name.lower(): value for name, value in response.getheaders()}, response.read().decode()
        )
