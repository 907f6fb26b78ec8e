"""Requests that do not end are recorded all the same: by whom they were cut off, and with the bytes that were sent."""

from __future__ import annotations

import os
import signal
import socket
import struct
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.server.apps import LONG
from tests.server.raw import exchange
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.gunicorn_server import Server, serve

APP = "tests.server.apps:build()"


def variables(backends: FakeBackends) -> dict[str, str]:
    return {**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "TELEMETRY_SHUTDOWN_DEADLINE": "2"}


def begin(server: Server, path: str) -> socket.socket:
    port = int(server.url.rpartition(":")[2])
    client = socket.create_connection(("127.0.0.1", port), timeout=60)
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    return client


def line_of(backends: FakeBackends, path: str) -> dict[str, Any]:
    [line] = eventually(lambda: [each for each in backends.logs.lines if each.get("path") == path], 1)
    return dict(line)


def worker_of(server: Server) -> int:
    master = server.process.pid
    return int(Path(f"/proc/{master}/task/{master}/children").read_text().split()[0])


def test_a_client_that_leaves_during_the_response_is_named(backends: FakeBackends) -> None:
    with serve(variables(backends), app=APP) as server:
        client = begin(server, "/stream?pause=0.02")
        sent = len(client.recv(200_000))
        client.close()
        line = line_of(backends, "/stream")
        [span] = eventually(lambda: backends.spans(line["trace_id"]), 1)
    assert (line["status"], line["aborted"], line["level"]) == (200, "client_disconnected", "INFO")
    assert sent - 1000 < line["bytes"] < 200 * 65_536
    assert span["attributes"]["error.type"] == "client_disconnected"
    assert span["attributes"]["http.response.body.size"] == line["bytes"]
    assert span["status"]["code"] != "error"


def test_a_client_that_resets_while_it_sends_its_body_is_no_error_of_the_service(backends: FakeBackends) -> None:
    with serve(variables(backends), app=APP) as server:
        port = int(server.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
            client.sendall(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 300_000)
            time.sleep(0.3)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line = line_of(backends, "/upload")
    assert (line["status"], line["level"]) == (499, "INFO")
    assert line["aborted"] == "client_disconnected"
    assert not backends.items(line["trace_id"])


def test_a_client_that_leaves_after_the_handler_has_ended_is_named_in_a_line_of_the_server(
    backends: FakeBackends,
) -> None:
    with serve(variables(backends), app=APP) as server:
        client = begin(server, "/long")
        received = len(client.recv(1_000))
        line = line_of(backends, "/long")
        client.close()
        [late] = eventually(partial(backends.lines_outside_requests, "flask_onetrace.server.rejections"), 1)
    assert (line["status"], line.get("aborted"), line["bytes"]) == (200, None, LONG)
    assert line["trace_id"] in late["message"]
    assert (late["aborted"], late["level"]) == ("client_disconnected", "INFO")
    assert 0 < late["unsent_bytes"] <= LONG - received


def test_a_client_that_reads_too_slowly_is_named(backends: FakeBackends) -> None:
    impatient = ("-k", "tests.server.apps.ImpatientWorker")
    with serve(variables(backends), *impatient, app=APP) as server, begin(server, "/stream"):
        line = line_of(backends, "/stream")
    assert (line["status"], line["aborted"]) == (200, "timeout")
    assert 0 < line["bytes"] < 200 * 65_536


def test_requests_open_when_the_worker_stops_are_recorded_before_the_last_flush(backends: FakeBackends) -> None:
    with (
        serve(variables(backends), "--graceful-timeout", "6", app=APP) as server,
        begin(server, "/hang"),
        begin(server, "/stream?pause=60") as streaming,
    ):
        assert streaming.recv(100)
        time.sleep(0.5)
        code, seconds, _ = server.stop()
    assert (code, seconds < 28) == (0, True)
    hanging, streamed = line_of(backends, "/hang"), line_of(backends, "/stream")
    assert (hanging["aborted"], hanging["status"], hanging["bytes"]) == ("shutdown", 500, 0)
    assert (streamed["aborted"], streamed["status"], streamed["bytes"]) == ("shutdown", 200, 65_536)
    for line in (hanging, streamed):
        [span] = backends.spans(line["trace_id"])
        assert span["attributes"]["error.type"] == "shutdown"
        assert span["status"]["code"] == "error"


def test_requests_of_a_worker_that_gunicorn_aborts_are_recorded(backends: FakeBackends) -> None:
    with serve(variables(backends), app=APP) as server, begin(server, "/hang"):
        time.sleep(0.5)
        os.kill(worker_of(server), signal.SIGABRT)
        line = line_of(backends, "/hang")
    assert (line["aborted"], line["status"]) == ("timeout", 500)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_response_without_a_body_is_complete(method: str, app: Flask, backends: FakeBackends) -> None:
    app.add_url_rule("/nothing", view_func=lambda: ("", 204))
    paths = ("/nothing", "/api/activities/home")[: 1 if method == "GET" else 2]
    for path in paths:
        response = app.test_client().open(path, method=method)
        response.close()
    assert app.extensions["onetrace"].flush(5)
    lines = eventually(lambda: [line for line in backends.logs.lines if line.get("path") in paths], len(paths))
    assert [line.get("aborted") for line in lines] == [None] * len(paths)


@pytest.mark.parametrize(
    "body",
    [b"Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nxyz\r\n", b"Content-Length: 50\r\n\r\nfirst"],
    ids=["malformed chunk", "too short"],
)
def test_a_bad_body_that_is_read_while_the_response_is_sent_is_the_clients_error(
    body: bytes, backends: FakeBackends
) -> None:
    with serve(variables(backends), app=APP) as server:
        port = int(server.url.rpartition(":")[2])
        response = exchange(port, [b"POST /echo HTTP/1.1\r\nHost: a\r\n" + body])
        line = line_of(backends, "/echo")
    assert backends.items(line["trace_id"]) == []
    assert (line["status"], line["level"]) in {(200, "INFO"), (400, "INFO")}
    assert [each["message"] for each in backends.lines_of(line["trace_id"]) if each["level"] == "ERROR"] == []
    assert response.startswith(b"HTTP/1.1 %d " % line["status"])
