"""The requests that httpbin is asked, bare and observed, and how the responses are compared."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

HOST: Final = "httpbin.test"
"""In `Host` of each request: httpbin shows it in bodies and redirects, and the ports differ."""
_IGNORED: Final = frozenset({"date"})
_TRACE_HEADERS: Final = frozenset({"x-trace-id", "traceresponse", "server-timing"})
_MULTIPART: Final = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n'
    b'--b\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n--b--\r\n'
)
_TIMEOUT: Final = 20.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request. A body in several pieces is sent in chunks."""

    target: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: tuple[bytes, ...] = ()

    def __str__(self) -> str:
        """Return what names it in a report."""
        return f"{self.method} {self.target} {self.headers or ''}".rstrip()


@dataclass(frozen=True, slots=True)
class Response:
    """One response, its headers in their order."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def trace_id(self) -> str:
        """Its `X-Trace-Id`, empty where it has none."""
        return dict(self.headers).get("X-Trace-Id", "")

    @property
    def compared_headers(self) -> list[tuple[str, str]]:
        """Its headers but for the date and those that telemetry adds."""
        return [each for each in self.headers if each[0].lower() not in _IGNORED | _TRACE_HEADERS]


_GETS: Final = (
    "/", "/get?a=1&a=2&b=%C3%A9", "/headers", "/ip", "/user-agent", "/anything/%C3%A9/x?y", "/html", "/xml", "/json",
    "/robots.txt", "/deny", "/forms/post", "/encoding/utf8", "/links/5/2", "/bytes/1000?seed=7", "/base64/aGVsbG8%3D",
    "/gzip", "/deflate", "/brotli", "/image/png", "/image/svg", "/static/favicon.ico", "/nothing/here",
    "/stream/20", "/stream-bytes/30000?seed=3&chunk_size=1000", "/range/2000", "/range/2000?chunk_size=100&duration=0",
    "/drip?numbytes=5&duration=0.2&delay=0", "/drip?numbytes=3&duration=0.1&code=500", "/delay/0.1",
    "/redirect/3", "/relative-redirect/2", "/absolute-redirect/2", "/redirect-to?url=/get", "/redirect-to",
    "/redirect-to?url=http://example.com/&status_code=307", "/response-headers?X-A=1&X-A=2&X-Trace-Id=theirs",
    "/cookies", "/cookies/set?a=1&b=2", "/cookies/set/c/3", "/cookies/delete?a",
    "/basic-auth/user/pass", "/hidden-basic-auth/user/pass", "/bearer", "/cache/60", "/etag/tag",
    *(f"/status/{code}" for code in (200, 201, 204, 206, 301, 304, 400, 401, 402, 404, 406, 418, 429, 500, 502, 503)),
    "/status/no-number", "/bytes/9?seed=no-number", "/stream-bytes/9?chunk_size=no-number",
)  # fmt: skip
_WITH_HEADERS: Final = (
    Request("/cookies", headers={"Cookie": "a=1; b=2"}),
    Request("/basic-auth/user/pass", headers={"Authorization": "Basic dXNlcjpwYXNz"}),
    Request("/bearer", headers={"Authorization": "Bearer 1234"}),
    Request("/cache", headers={"If-None-Match": "x"}),
    Request("/etag/tag", headers={"If-None-Match": "tag"}),
    Request("/etag/tag", headers={"If-Match": "other"}),
    Request("/range/2000", headers={"Range": "bytes=100-199"}),
    Request("/range/2000", headers={"Range": "bytes=9000-"}),
    Request("/image", headers={"Accept": "image/webp"}),
    Request("/image", headers={"Accept": "application/x-unknown"}),
    Request("/get", headers={"Origin": "https://example.com"}),
    Request("/get", headers={"traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"}),
)
_BODIES: Final = (
    Request("/post", "POST", {"Content-Type": "application/json"}, (b'{"a": [1, null]}',)),
    Request("/post", "POST", {"Content-Type": "application/x-www-form-urlencoded"}, (b"a=1&a=2&b=%C3%A9",)),
    Request("/post", "POST", {"Content-Type": "multipart/form-data; boundary=b"}, (_MULTIPART,)),
    Request("/post", "POST", {"Content-Type": "application/octet-stream"}, (bytes(range(256)) * 400,)),
    Request("/put", "PUT", {"Content-Type": "text/plain"}, (b"in ", b"three ", b"chunks")),
    Request("/anything", "PATCH", {}, (b"x" * 70_000, b"y" * 70_000)),
    Request("/delete", "DELETE"),
    Request("/post", "GET"),
    Request("/get", "HEAD"),
    Request("/stream/5", "HEAD"),
    Request("/get", "OPTIONS", {"Origin": "https://example.com", "Access-Control-Request-Method": "PUT"}),
    Request("/status/503", "PUT"),
    Request("/response-headers?X-B=2", "POST"),
    Request("/get", "BREW"),
)
REQUESTS: Final = (*map(Request, _GETS), *_WITH_HEADERS, *_BODIES)


def exchange(port: int, request: Request) -> Response:
    """Send one request on a connection of its own, and return the whole response."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)) as connection:
        headers = {"Host": HOST, "User-Agent": "peers", "Accept-Encoding": "identity", **request.headers}
        chunked = len(request.body) > 1
        body: Iterator[bytes] | bytes | None = iter(request.body) if chunked else b"".join(request.body) or None
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        connection.request(request.method, request.target, body, headers, encode_chunked=chunked)
        response = connection.getresponse()
        text = response.read()
        if response.getheader("Content-Encoding") == "gzip":  # which holds the time
            text = gzip.decompress(text)
        return Response(response.status, tuple(response.getheaders()), text)


def difference(bare: Response, observed: Response) -> str:
    """Return how an observed response differs from the bare one, but for the trace headers; empty if it does not."""
    if observed.status != bare.status:
        return f"status {observed.status}, bare {bare.status}"
    if observed.compared_headers != bare.compared_headers:
        return f"headers {observed.compared_headers}, bare {bare.compared_headers}"
    return f"body {observed.body[:200]!r}, bare {bare.body[:200]!r}" if observed.body != bare.body else ""
