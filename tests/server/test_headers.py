"""No header of a client makes a 500: whatever reaches the app is answered with an id and has its access line."""

from __future__ import annotations

import random
import re
from pathlib import Path

import flask
import gunicorn
import pytest
import werkzeug

from bench.paths import HEALTH_CHECK
from tests.server.raw import exchange
from tests.telemetry.backends import FakeBackends
from tests.telemetry.gunicorn_server import serve

PATHS = ("/", "/api/activities/home", "/api/activities/search/x", "/api/health-check?detail", "/nope", "/assets/a.js")
LIBRARIES = (gunicorn, werkzeug, flask)
NAMES = re.compile(r"""["']((?:HTTP_)?[A-Z][A-Za-z]+(?:[-_][A-Za-z0-9]+)*)["']""")
OWN = (
    "traceparent",
    "tracestate",
    "baggage",
    "X-Amzn-Trace-Id",
    "X-Amzn-Oidc-Identity",
    "X-Cruddur-User",
    "Forwarded",
    "Access-Control-Request-Method",
    "Access-Control-Request-Headers",
)
FRAMING = ("CONTENT-LENGTH", "TRANSFER-ENCODING", "EXPECT")
"""gunicorn's own to judge: `Transfer-Encoding: x` is a 501 by RFC 9112."""
VALUES = (
    "", "[", "]", "http://[", "http://a:99999999", "a:b:c", ":",
    "javascript", "\xff\xfe", "%00", "%zz", "=", ";;;", ",,,", "-1",
    "99999999999999999999", "1e999", "nan", "bytes=0-", "bytes=5-1,9-", '"', "W/", "*", "0", "on",
    "ssl", "https", "http", "null",
    "Thu, 99 Foo 0000 99:99:99 GMT", "Sat, 28 Nov 99999 00:00:00 GMT", "Basic \xff", "Basic !!!", "Digest a", "Bearer",
    "multipart/form-data", "multipart/form-data; boundary=", "text/html; charset=x", "a=b; a", "upgrade",
    "h2c", "x" * 4000,
    "a;q=x", "a;q=9e999", "en;q=-1", "1-" + "f" * 32, "Root=;Parent=;Sampled=", "00-0-0-0", "::1",
    "1.2.3.4, x", "\t", "()", "../..",
)  # fmt: skip


def known_names() -> list[str]:
    """Return every header that the libraries' sources name, and the service's own."""
    sources = (path.read_text("utf-8", "replace") for each in LIBRARIES for path in folder(each).rglob("*.py"))
    found = {name.removeprefix("HTTP_").replace("_", "-") for text in sources for name in NAMES.findall(text)}
    names = {name for name in found if "-" in name or name in {"Host", "Origin", "Cookie", "Accept", "Range", "Date"}}
    return sorted(name for name in {*names, *OWN, "Host", "Origin", "Cookie"} if name.upper() not in FRAMING)


def folder(module: object) -> Path:
    return Path(str(vars(module)["__file__"])).parent


def request_with(headers: list[tuple[str, str]], path: str, method: str = "GET") -> bytes:
    host = [] if any(name.lower() == "host" for name, _ in headers) else [("Host", "a")]
    lines = (f"{name}: {value}" for name, value in [*host, *headers])
    return "\r\n".join((f"{method} {path} HTTP/1.1", *lines, "", "")).encode("latin-1")


@pytest.mark.timeout(300)
def test_no_header_makes_a_500_or_goes_without_an_access_line(backends: FakeBackends) -> None:
    rng, trace_ids = random.Random(1), []
    origins = {"FRONTEND_URL": "https://front.example", "BACKEND_URL": "https://back.example"}
    names = known_names()
    assert len(names) > 100
    with serve({**backends.environment, **backends.aws, **origins, "LOG_CONSOLE": "false"}) as server:
        port = int(server.url.rpartition(":")[2])
        for name in [*names, *names, "SCRIPT_NAME", "PATH_INFO", "REMOTE_USER", "HTTP_HOST", "SCRIPT-NAME"]:
            headers = [(each, rng.choice(VALUES)) for each in (name, rng.choice(names))]
            for _ in range(4):
                path = rng.choice(PATHS)
                request = request_with(headers, path, rng.choice(("GET", "HEAD", "OPTIONS", "POST")))
                response = exchange(port, [request])
                status = int(response[9:12] or 0)
                assert 200 <= status < 500, (request, response[:300])
                trace_id = re.search(rb"X-Trace-Id: (\w{32})", response)
                if trace_id is not None:
                    if not (path.startswith(HEALTH_CHECK) and status < 400):  # such a one has no line
                        trace_ids.append(trace_id[1].decode())
                else:
                    assert status in {400, 414, 431}, (request, response[:300])
        server.stop()
    logged = {line["trace_id"] for line in backends.logs.lines if line["logger"] == "flask_onetrace.access"}
    assert len(trace_ids) > 500
    assert set(trace_ids) <= logged


def test_malformed_requests_are_counted_in_one_log_line(backends: FakeBackends) -> None:
    with serve({**backends.environment, **backends.aws, "LOG_CONSOLE": "true"}) as server:
        port = int(server.url.rpartition(":")[2])
        for _ in range(20):
            response = exchange(port, [b"GET / HTTP/1.1\r\nAuthorization : sentinel-secret\r\n\r\n"])
            assert response.startswith(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n")
        _, _, output = server.stop()
    lines = [line for line in output.splitlines() if "requests rejected" in line]
    assert 1 <= len(lines) <= 2  # the first, and what was counted until the worker stopped
    assert "malformed (InvalidHeaderName)" in lines[-1]
    assert "20 since start" in lines[-1]
    assert "sentinel-secret" not in output


def test_a_client_sets_neither_the_path_nor_the_scheme(backends: FakeBackends) -> None:
    with serve({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}) as server:
        port = int(server.url.rpartition(":")[2])
        for header in ("SCRIPT_NAME: /x", "PATH_INFO: /nope", "X-Forwarded-Ssl: on", "X-Forwarded-Protocol: ssl"):
            headers = f"Host: a\r\n{header}\r\nX-Forwarded-Proto: http"
            response = exchange(port, [f"GET /api/activities/home HTTP/1.1\r\n{headers}\r\n\r\n".encode()])
            assert response.startswith(b"HTTP/1.1 200 "), header
