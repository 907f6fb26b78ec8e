"""Send one HTTP/1.1 request to a target, without a thread: the load balancer's requests and health checks."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterable
from typing import Final

import h11

CONNECT_SECONDS: Final = 10.0
"""For the connection and the TLS handshake: "HTTP 502" and "HTTP 504", "Troubleshoot your Application Load
Balancers", User Guide."""
MAX_HEADER_BYTES: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024

Headers = Iterable[tuple[str, str]]


class Connection:
    """A connection for one request. Its methods raise `OSError`, `TimeoutError` and `h11.ProtocolError`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, idle_seconds: float) -> None:
        self._reader = reader
        self._writer = writer
        self._idle_seconds = idle_seconds
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEADER_BYTES)

    @classmethod
    async def open(cls, host: str, port: int, *, tls: bool, idle_seconds: float) -> Connection:
        """Connect; a certificate is not verified, as a load balancer verifies none of its targets."""
        context = _unverified() if tls else None
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
        return cls(reader, writer, idle_seconds)

    async def request(self, method: str, path: str, headers: Headers, body: bytes = b"") -> h11.Response:
        """Send a request; return the response's status and headers. A failure or a cancellation resets the connection.

        `headers` say how long `body` is. They are encoded as UTF-8, as ministack decodes them.
        """
        try:
            await self._send(method, path, headers, body)
            return await self._response()
        except BaseException:
            self.abort()
            raise

    async def _send(self, method: str, path: str, headers: Headers, body: bytes) -> None:
        fields = [(name.encode(), value.encode()) for name, value in headers]
        request = h11.Request(method=method, target=path, headers=fields)
        data = self._http.send(request) or b""
        if body:
            data += self._http.send(h11.Data(data=body)) or b""
        self._writer.write(data + (self._http.send(h11.EndOfMessage()) or b""))
        # A target may respond and close before it has read the whole body.
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(self._idle_seconds):
                await self._writer.drain()

    async def _response(self) -> h11.Response:
        while True:
            event = await self._next()
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise ConnectionResetError("the target closed the connection before its response")

    async def chunk(self) -> bytes:
        """Return the next part of the response's body, empty at its end."""
        while isinstance(event := await self._next(), h11.Data):
            if event.data:
                return bytes(event.data)
        return b""

    def close(self) -> None:
        """Close the connection after a response."""
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection; a pending read ends."""
        self._writer.transport.abort()

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(self._idle_seconds):
                self._http.receive_data(await self._reader.read(_READ_BYTES))
        return event  # type: ignore[return-value] # mypy does not narrow by `is`


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
