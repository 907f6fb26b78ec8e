"""Long responses that occupy all threads are seen, and health checks are answered beside them."""

from __future__ import annotations

import contextlib
import logging
import socket
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import requests

from bench.paths import HEALTH_CHECK
from flask_onetrace.contract import THREADS_LOGGER
from flask_onetrace.server.thread_usage import ThreadUsage
from tests.server.raw import exchange, serving
from tests.telemetry.backends import FakeBackends, eventually

APP = "tests.server.apps:build()"
GET = b"GET %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
THREADS, WAITING = 8, 3
AT_ONCE = 2.0
"""Seconds: the load balancer's health check waits for five."""


@contextlib.contextmanager
def requests_to(path: bytes, port: int, count: int) -> Iterator[list[socket.socket]]:
    """Send requests, each on a connection of its own, and hold the connections."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), 20)) for _ in range(count)]
        for client in clients:
            client.sendall(GET % path)
        yield clients


def threads_of(port: int) -> dict[str, Any]:
    """Return what the health check's detail says of the threads, as soon as a load balancer would need it."""
    response = requests.get(f"http://127.0.0.1:{port}{HEALTH_CHECK}?detail", timeout=AT_ONCE)
    assert response.status_code == 200
    usage: dict[str, Any] = response.json()["threads"]
    return usage


@pytest.mark.usefixtures("socket_enabled")
def test_requests_behind_eight_streams_are_seen_and_served_when_the_streams_end(backends: FakeBackends) -> None:
    variables = {**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "WEB_THREADS": str(THREADS)}
    with serving(APP, **variables) as port:
        idle = threads_of(port)
        with requests_to(b"/events", port, THREADS) as streams:
            for stream in streams:
                assert stream.recv(4096).startswith(b"HTTP/1.1 200 ")
            busy = threads_of(port)
            with requests_to(b"/api/activities/home", port, WAITING) as waiting:
                time.sleep(1.5)
                behind = threads_of(port)
                [line] = eventually(partial(backends.lines_outside_requests, THREADS_LOGGER), 1)
                for stream in streams:
                    stream.close()
                assert [each.recv(4096)[:13] for each in waiting] == [b"HTTP/1.1 200 "] * WAITING
    free = {"threads_busy": 1, "threads_total": THREADS, "requests_waiting": 0, "queue_seconds": 0}
    assert (idle, busy) == (free, free | {"threads_busy": THREADS})
    assert behind.pop("queue_seconds") >= 1
    assert behind == {"threads_busy": THREADS, "threads_total": THREADS, "requests_waiting": WAITING}
    assert (line["threads_busy"], line["threads_total"]) == (THREADS, THREADS)
    assert line["message"].startswith("8 of 8 threads busy, ")


@pytest.mark.usefixtures("socket_enabled")
def test_a_server_without_our_telemetry_serves_too() -> None:
    with serving("tests.server.apps:echo", WEB_THREADS="1") as port:
        assert exchange(port, [GET % b"/"]).startswith(b"HTTP/1.1 200 ")


class Clock:
    """A clock that tests set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, THREADS_LOGGER)
    return caplog


def test_an_idle_worker_logs_nothing(clock: Clock, lines: pytest.LogCaptureFixture) -> None:
    served = set(range(6))  # of eight: less than 80 %
    usage = ThreadUsage(THREADS, served)
    for _ in range(300):
        clock.now += 1
        usage.report()
    assert lines.records == []


def test_busy_threads_without_a_queue_are_an_info_line_a_minute(clock: Clock, lines: pytest.LogCaptureFixture) -> None:
    usage = ThreadUsage(THREADS, set(range(7)))
    for _ in range(121):
        usage.report()
        clock.now += 1
    assert [each.levelname for each in lines.records] == ["INFO"] * 3
    assert vars(lines.records[0])["threads_busy"] == 7


def test_the_line_has_the_peaks_of_its_minute(clock: Clock, lines: pytest.LogCaptureFixture) -> None:
    served: set[object] = set(range(THREADS))
    usage = ThreadUsage(THREADS, served)
    usage.report()
    served |= {"first", "second"}
    usage.enqueue("first")
    clock.now += 10
    usage.enqueue("second")
    clock.now += 20
    for request in ("first", "second"):
        usage.begin(request)
    served.clear()
    clock.now += 30
    usage.report()
    clock.now += 60
    usage.report()
    peaks = {"threads_busy": 8, "threads_total": 8, "requests_waiting": 2, "queue_seconds": 30}
    assert [each.levelname for each in lines.records] == ["INFO", "WARNING"]
    assert {name: vars(lines.records[1])[name] for name in peaks} == peaks


def test_threads_that_take_turns_are_no_shortage(clock: Clock, lines: pytest.LogCaptureFixture) -> None:
    served: set[object] = {0}
    usage = ThreadUsage(THREADS, served)
    usage.enqueue(0)
    clock.now += 0.05
    usage.begin(0)
    usage.report()
    assert lines.records == []
