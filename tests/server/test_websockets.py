"""A WebSocket of Flask-Sock works on either worker, and all of it is in the trace of its one request."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
import simple_websocket

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.gunicorn_server import Server, serve

LONG = "x" * 2_000_000
"""Characters: more than any kernel's buffer holds."""


@pytest.fixture(params=[(), ("-k", "gthread")], ids=["ours", "gthread"])
def server(request: pytest.FixtureRequest, backends: FakeBackends) -> Iterator[Server]:
    variables = {**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "WEB_THREADS": "2"}
    with serve(variables, *request.param, app="tests.server.apps:build_websockets()") as server:
        yield server


def connect(server: Server) -> simple_websocket.Client:
    return simple_websocket.Client(server.url.replace("http", "ws") + "/echo")


def access_line(backends: FakeBackends) -> dict[str, object]:
    def lines() -> list[dict[str, object]]:
        return [line for line in backends.logs.lines if line["message"] == "GET /echo 101"]

    [line] = eventually(lines, 1)
    return line


def test_messages_of_any_length_arrive_and_are_in_one_trace(server: Server, backends: FakeBackends) -> None:
    client = connect(server)
    for message in ("first", LONG, "last"):
        client.send(message)
        assert client.receive(timeout=60) == message
    client.send("bye")
    with pytest.raises(simple_websocket.ConnectionClosed):
        client.receive(timeout=60)
    line = access_line(backends)
    digits = str(line["trace_id"])
    spans = eventually(lambda: backends.spans(digits), 4)
    [root] = [each for each in spans if each["kind"] == "server"]
    inner = [each for each in spans if each is not root]
    assert [(each["name"], each["parent_span_id"]) for each in inner] == [("message", root["span_id"])] * 3
    assert (root["attributes"]["http.response.status_code"], root["status"]["code"]) == (101, "unset")
    lines = eventually(lambda: backends.lines_of(digits), 4)
    assert [each["message"] for each in lines].count("received") == 3
    assert backends.items(digits) == []


def test_a_client_that_vanishes_frees_its_thread(server: Server, backends: FakeBackends) -> None:
    for _ in range(3):  # of two threads
        client = connect(server)
        client.send("first")
        assert client.receive(timeout=60) == "first"
        with suppress(OSError):
            client.sock.shutdown(2)
    deadline = time.monotonic() + 10
    while server.get("/api/activities/home").status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert server.get("/api/activities/home").status_code == 200
    assert len(eventually(lambda: [each for each in backends.logs.lines if each["message"] == "GET /echo 101"], 3)) == 3
