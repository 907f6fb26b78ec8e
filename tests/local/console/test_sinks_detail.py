from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from local.console.sinks.detail import MAX_BYTES, MAX_TEXT, UnreadableError, fetch
from local.workspace.http_client import direct_client
from tests.local.emulator.conftest import free_port

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

PATHS = ("/api/health-check", "/_onetrace/health")
SINK = {"on": True, "queued": 1, "capacity": 8, "delivered": 5, "dropped": {"full": 2}}
DETAIL = {"worker": 7, "version": "v1", "environment": "local", "sinks": {"xray": SINK}, "secret": "x"}

Serve = Callable[[dict[str, tuple[int, bytes]]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve the bodies by path; every request says whether it may be kept alive."""
    servers: list[ThreadingHTTPServer] = []

    def start(bodies: dict[str, tuple[int, bytes]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                assert query == "detail"
                assert self.headers["Connection"] == "close"
                status, body = bodies.get(path, (404, b""))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        return f"127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def read(address: str) -> dict[str, Any]:
    with direct_client() as client:
        return fetch(client, address, PATHS)


def body(document: object) -> tuple[int, bytes]:
    return 200, json.dumps(document).encode()


def test_the_detail_is_that_of_the_first_path_that_shows_it(serve: Serve) -> None:
    address = serve({PATHS[0]: body({"status": "ok"}), PATHS[1]: body(DETAIL)})

    detail = read(address)

    assert (detail["worker"], detail["version"]) == (7, "v1")
    assert detail["sinks"]["xray"] == {"because": "", "last_error": "", "unauthorized": "", **SINK}
    assert "secret" not in detail


def test_an_address_that_refuses_connections_says_so() -> None:
    address = f"127.0.0.1:{free_port()}"

    with pytest.raises(UnreadableError, match=f"{address} refuses connections: the service has stopped"):
        read(address)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ((500, b"{}"), "answered 500"),
        ((302, b""), "answered 302"),
        (body([DETAIL]), "shows no detail"),
        (body({"status": "ok"}), "shows no detail"),
        (body({**DETAIL, "worker": "7"}), "shows no detail"),
        (body({**DETAIL, "sinks": []}), "shows no detail"),
        ((200, b"<html>"), "shows no detail"),
        ((200, b" " * (MAX_BYTES + 1)), "shows no detail"),
    ],
)
def test_what_is_no_detail_is_refused_by_name(serve: Serve, response: tuple[int, bytes], reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(serve(dict.fromkeys(PATHS, response)))


def test_hostile_detail_is_bounded_and_has_the_types_that_the_page_reads(serve: Serve) -> None:
    deep: dict[str, Any] = {}
    for _ in range(50):
        deep = {"deep": deep}
    sink = {"on": "yes", "last_error": "e" * 10_000, "queued": "many", "dropped": {"full": "x", "failed": 1}}
    names = {f"name{number}": "text" for number in range(10_000)}
    hostile = {**DETAIL, "sinks": {"<b>": sink, "list": []}, "threads": deep, "instrumentations": names}

    detail = read(serve({PATHS[0]: body(hostile)}))

    assert list(detail["sinks"]) == ["<b>"]
    cleaned = detail["sinks"]["<b>"]
    assert (cleaned["on"], cleaned["dropped"], len(cleaned["last_error"])) == (False, {"failed": 1}, MAX_TEXT)
    assert "queued" not in cleaned
    assert len(json.dumps(detail)) < 5_000
