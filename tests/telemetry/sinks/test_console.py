"""The console is a sink like the others: nobody who does not read standard error blocks a request, or the exit."""

from __future__ import annotations

import http.client
import json
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from flask_onetrace.telemetry.config import DropMetric
from flask_onetrace.telemetry.export import stderr
from flask_onetrace.telemetry.export.drop_metrics import DropReport, ItemCounts
from tests.telemetry.conftest import AppFactory
from tests.telemetry.gunicorn_server import ROOT, START_SECONDS, command, environment, exit_limit
from tests.telemetry.tracing import wait_until

HEALTH_CHECK = "/api/health-check?detail"
DEADLINE = 2.0


@dataclass
class Server:
    process: subprocess.Popen[bytes]
    port: int
    reader: int
    """The read end of its standard error."""
    start_seconds: float = 0.0

    def statuses(self, paths: Iterable[str]) -> list[int]:
        """Send the requests one after the other over one connection."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            return [self._status(connection, path) for path in paths]

    def _status(self, connection: http.client.HTTPConnection, path: str) -> int:
        connection.request("GET", path)
        with connection.getresponse() as response:
            response.read()
            return response.status

    def send_malformed(self) -> bytes:
        """Send no HTTP; return the beginning of the response."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(b"not \x00 http\r\n\r\n")
            return connection.recv(12)

    def console(self) -> dict[str, Any]:
        """Return the health check's detail of the sink."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request("GET", HEALTH_CHECK)
            detail: dict[str, Any] = json.loads(connection.getresponse().read())["sinks"]["console"]
            return detail

    def stop(self) -> float:
        """Send SIGTERM; return the seconds until it has ended."""
        start = time.monotonic()
        self.process.terminate()
        self.process.wait(60)
        return time.monotonic() - start


@contextmanager
def serve(**variables: str) -> Iterator[Server]:
    """Run gunicorn with a standard error that nobody reads."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    reader, writer = os.pipe()
    settings = {"PORT": str(port), "LOG_CONSOLE": "true", "TELEMETRY_SHUTDOWN_DEADLINE": str(DEADLINE), **variables}
    process = subprocess.Popen(command(), cwd=ROOT, env=environment(settings), stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    server, start = Server(process, port, reader), time.monotonic()
    try:
        _wait_until_started(server)
        server.start_seconds = time.monotonic() - start
        yield server
    finally:
        process.kill()
        process.wait(20)
        os.close(reader)


def _wait_until_started(server: Server) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.console()
        except (OSError, KeyError):
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the service did not start: {os.read(server.reader, 65_536).decode()}")


@pytest.fixture
def _sockets(socket_enabled: None) -> None:
    """Allow sockets."""


@pytest.mark.usefixtures("_sockets")
@pytest.mark.parametrize("exporter", ["otlp", "console"])
def test_every_request_is_answered_while_nobody_reads_standard_error(exporter: str) -> None:
    with serve(OTEL_TRACES_EXPORTER=exporter) as server:
        with ThreadPoolExecutor(4) as pool:
            statuses = [
                status for each in pool.map(server.statuses, [["/api/activities/home"] * 750] * 4) for status in each
            ]
        assert statuses == [200] * 3_000
        # gunicorn logs each of these in the thread that serves requests.
        assert {server.send_malformed() for _ in range(50)} == {b"HTTP/1.1 400"}
        detail = server.console()
        assert detail["dropped"]["full"] > 0
        assert detail["last_error"] == "TimeoutError: standard error is full: its reader does not read"
        assert detail["queued_bytes"] <= detail["max_bytes"]
        assert server.stop() < exit_limit(DEADLINE, server.start_seconds)


@pytest.mark.usefixtures("_sockets")
def test_lines_are_written_in_order_once_somebody_reads_and_at_exit() -> None:
    with serve() as server:
        # More than a pipe holds, less than the queue.
        assert set(server.statuses(f"/missing/{number}/{'x' * 300}" for number in range(300))) == {404}
        written = b""
        os.set_blocking(server.reader, False)
        server.process.terminate()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                chunk = os.read(server.reader, 65_536)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            if not chunk:
                break
            written += chunk
        lines = [json.loads(line) for line in written.splitlines() if line.startswith(b'{"timestamp"')]
        paths = [line["path"] for line in lines if line["logger"] == "flask_onetrace.access"]
        assert [path.split("/")[2] for path in paths if path.startswith("/missing")] == [str(n) for n in range(300)]


def test_a_process_that_ends_without_a_shutdown_writes_what_is_queued() -> None:
    script = """
from service.factory import create_app
from flask_onetrace.settings import Settings
app = create_app(Settings.from_env({}))
for _ in range(100):
    app.test_client().get("/api/activities/home", buffered=True)
"""
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment({}), capture_output=True, timeout=60, check=True
    )
    assert result.stderr.count(b"GET /api/activities/home 200") == 100


def test_a_line_appears_within_a_moment(make_app: AppFactory, capfd: pytest.CaptureFixture[str]) -> None:
    app: Flask = make_app({"LOG_CONSOLE": "true"})

    def seconds_of_a_line() -> float:
        app.test_client().get("/api/activities/home", buffered=True)
        start = time.monotonic()
        assert wait_until(lambda: "GET /api/activities/home 200" in capfd.readouterr().err)
        return time.monotonic() - start

    # Less than the interval of the other sinks, for one line at least: the machine may be busy.
    assert min(seconds_of_a_line() for _ in range(5)) < 0.4


@contextmanager
def full_standard_error(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Let standard error be a full pipe; yield the end at which it can be read."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4_096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr("sys.stderr", stream)
        try:
            yield reader
        finally:
            monkeypatch.undo()
            os.close(reader)


def test_a_drop_metric_waits_for_the_next_report_instead_of_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    metric = DropMetric(namespace="Telemetry", name="Dropped", dimension="sink")
    counts = ItemCounts(dropped_full=3)
    report = DropReport("test", counts, metric, redact_line=str)
    logging.getLogger("flask_onetrace.telemetry").setLevel(logging.CRITICAL)
    with full_standard_error(monkeypatch) as reader:
        start = time.monotonic()
        report.report("full", now=True)
        assert time.monotonic() - start < 10  # not until somebody reads
        assert set(os.read(reader, 2**20)) == set(b"x")
        counts.dropped_full = 5
        report.report("full", now=True)
        measured = json.loads(os.read(reader, 65_536))
    logging.getLogger("flask_onetrace.telemetry").setLevel(logging.NOTSET)
    assert (measured["sink"], measured["Dropped"]) == ("test", 5)


def test_the_processs_standard_error_drops_what_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_standard_error(monkeypatch):
        stream = stderr.NonBlockingStream(sys.stderr)
        monkeypatch.setattr("sys.stderr", stream)
        start = time.monotonic()
        for _ in range(100):
            sys.stderr.write("lost\n")
        assert time.monotonic() - start < 20  # 100 s, had each waited as a line does
        assert stream.dropped == 100
