"""Exceptions of any class, anywhere in a request, are errors of that request and of nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests
from flask import Flask

from tests.server.apps import SECRET, build
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.gunicorn_server import Server, serve

APP = "tests.server.apps:build()"
IN_HANDLER = {
    "/raise/SystemExit": "/raise/<name>",
    "/raise/KeyboardInterrupt": "/raise/<name>",
    "/raise/GeneratorExit": "/raise/<name>",
    "/raise/Group": "/raise/<name>",
    "/raise-in-teardown": "/raise-in-teardown",
    "/raise-in-body/0": "/raise-in-body/<int:pieces>",
}


@pytest.fixture(scope="module", params=[(), ("-k", "gthread")], ids=["ours", "gthread"])
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    chosen: tuple[str, ...] = request.param
    return chosen


@pytest.fixture
def server(backends: FakeBackends, options: tuple[str, ...]) -> Iterator[Server]:
    variables = {**backends.environment, **backends.aws, "FAULT_ROUTES": "true", "LOG_CONSOLE": "false"}
    with serve(variables, *options, app=APP) as server:
        yield server


def test_any_exception_is_a_500_in_every_sink_and_the_worker_lives(
    server: Server, backends: FakeBackends, options: tuple[str, ...]
) -> None:
    worker = server.get("/api/health-check?detail").json().get("worker")
    for path, route in IN_HANDLER.items():
        response = server.get(path)
        assert response.status_code == 500, path
        if not options:
            trace_id = response.headers.get("X-Trace-Id") or response.json()["trace_id"]
            assert response.json()["error"]["name"] == "Internal Server Error"
            assert response.json()["trace_id"] == trace_id
        else:
            [line] = eventually(lambda path=path: lines_of_path(backends, path), 1)  # type: ignore[misc]  # no lambda default
            trace_id = line["trace_id"]
        [span] = eventually(lambda trace_id=trace_id: backends.spans(trace_id), 1)  # type: ignore[misc]  # as above
        assert (span["status"]["code"], span["attributes"]["http.route"]) == ("error", route)
        assert span["attributes"]["http.response.status_code"] == 500
        assert eventually(lambda trace_id=trace_id: backends.items(trace_id), 1), path  # type: ignore[misc]  # as above
        lines = eventually(lambda trace_id=trace_id: access_lines(backends, trace_id), 1)  # type: ignore[misc]  # as above
        assert [(line["route"], line["status"], line["level"]) for line in lines] == [(route, 500, "ERROR")]
    assert server.get("/api/health-check?detail").json().get("worker") == worker


WAYS_OUT = {
    "/error-in-teardown": 500,
    "/error-beneath": 500,
    "/error-in-body/0": 500,
    "/error-in-body/2": 200,
    "/error-at-close": 200,
}


def test_each_way_out_of_the_application_is_reported_once(
    server: Server, backends: FakeBackends, options: tuple[str, ...]
) -> None:
    for path, status in WAYS_OUT.items():
        response = None
        with suppress(requests.RequestException):
            response = server.get(path)
        if status == 500:
            assert response is not None, path
            assert response.status_code == 500, path
        [line] = eventually(lambda path=path: lines_of_path(backends, path), 1)  # type: ignore[misc]  # no lambda default
        trace_id = str(line["trace_id"])
        assert (line["status"], line["sampled"]) == (status, 1), path
        [item] = eventually(lambda trace_id=trace_id: backends.items(trace_id), 1)  # type: ignore[misc]  # as above
        assert "LookupError" in str(item["body"])
        [span] = eventually(lambda trace_id=trace_id: backends.spans(trace_id), 1)  # type: ignore[misc]  # as above
        assert (span["status"]["code"], span["attributes"]["error.type"]) == ("error", "LookupError"), path
        [segment] = eventually(lambda trace_id=trace_id: backends.segments_of(trace_id), 1)  # type: ignore[misc]  # as above
        assert segment["fault"], path
        tracebacks = [each for each in backends.lines_of(trace_id) if "LookupError" in str(each.get("exception"))]
        assert [each["level"] for each in tracebacks] == ["ERROR"], path
    _, _, output = server.stop()
    assert options or "Traceback" not in output


def test_a_websocket_that_closes_well_is_no_error(server: Server, backends: FakeBackends) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as client:
        client.sendall(b"GET /websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert received.endswith(b"\r\n\r\nhello")
    [line] = eventually(lambda: lines_of_path(backends, "/websocket"), 1)
    assert (line["status"], line["level"]) == (101, "INFO")
    trace_id = str(line["trace_id"])
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert (span["status"]["code"], span["attributes"]["http.response.status_code"]) == ("unset", 101)
    assert backends.items(trace_id) == []
    _, _, output = server.stop()
    assert "rror" not in output


def lines_of_path(backends: FakeBackends, path: str) -> list[dict[str, object]]:
    return [line for line in backends.logs.lines if line.get("path") == path]


def access_lines(backends: FakeBackends, trace_id: str) -> list[dict[str, object]]:
    return [line for line in backends.lines_of(trace_id) if line["logger"] == "flask_onetrace.access"]


def test_an_exception_after_the_first_bytes_closes_the_connection(server: Server) -> None:
    with pytest.raises(OSError, match="prematurely"):
        server.get("/raise-in-body/2")


def test_the_main_thread_reports_an_exit_and_raises_it_again(
    backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}.items():
        monkeypatch.setenv(name, value)
    app: Flask = build()
    with pytest.raises(SystemExit):
        app.test_client().get("/raise/SystemExit", buffered=True)
    # Neither ends a process, whatever the thread.
    assert app.test_client().get("/raise/Group", buffered=True).status_code == 500
    app.extensions["onetrace"].shutdown()
    lines = [line for line in backends.logs.lines if line["logger"] == "flask_onetrace.access"]
    assert [(line["path"], line["status"]) for line in lines] == [("/raise/SystemExit", 500), ("/raise/Group", 500)]
    assert all(backends.items(str(line["trace_id"])) for line in lines)


def test_an_item_that_cannot_be_written_is_the_handlers_error(backends: FakeBackends) -> None:
    with serve({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}, app=APP) as server:
        for pieces, status in ((0, 500), (2, 200)):
            with suppress(requests.RequestException):
                server.get(f"/unwritable/{pieces}")
            [line] = eventually(lambda pieces=pieces: lines_of_path(backends, f"/unwritable/{pieces}"), 1)  # type: ignore[misc]  # no lambda default
            assert (line["status"], line.get("aborted")) == (status, None)
            [item] = eventually(lambda line=line: backends.items(str(line["trace_id"])), 1)  # type: ignore[misc]  # as above
            assert "cannot write" in str(item)


def test_no_exception_of_a_body_shows_its_text_on_standard_error(backends: FakeBackends) -> None:
    with serve({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}, app=APP) as server:
        with suppress(requests.RequestException):
            server.get("/secret-in-body")
        _, _, output = server.stop()
    assert SECRET not in output
    assert "\x1b" not in output
    assert "RuntimeError in a request" in output
