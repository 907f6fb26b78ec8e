"""A request and the Celery task that it sends have one trace, in every sink."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from billiard.exceptions import WorkerLostError
from celery import signals
from flask import Flask

from examples.celery_worker import celery, resize
from flask_onetrace.telemetry import job, trace_id
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.calls.servers import redis_server
from tests.telemetry.gunicorn_server import ROOT, environment
from tests.telemetry.segments import validate
from tests.telemetry.tracing import get

__all__ = ["redis_server"]
POOLS = ["prefork", "threads", "solo"]
START_SECONDS = 40
STOP_SECONDS = 20


@contextmanager
def worker(backends: FakeBackends, broker: str, pool: str) -> Iterator[subprocess.Popen[str]]:
    """Run the example's worker; SIGTERM ends it once its tasks have ended."""
    options = [
        "worker",
        "--loglevel",
        "INFO",
        "--pool",
        pool,
        "--concurrency",
        "1",
        "--without-gossip",
        "--without-mingle",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "--app", "examples.celery_worker", *options],
        cwd=ROOT,
        env=environment({**backends.environment, **backends.aws, "LOG_CONSOLE": "false", "BROKER_URL": broker}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            print(process.communicate()[0])  # noqa: T201 - the failed test shows it
            raise


def wait_for_tasks(backends: FakeBackends, ids: list[str]) -> None:
    """Wait until the worker has started and each trace has its task's span."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if all(any(each["name"].startswith("run/") for each in backends.spans(digits)) for digits in ids):
            return
        time.sleep(0.1)


@pytest.mark.parametrize("pool", POOLS)
def test_a_task_is_in_the_trace_of_the_request_that_sent_it(
    pool: str, app: Flask, backends: FakeBackends, redis_server: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = f"redis://127.0.0.1:{redis_server}/0"
    monkeypatch.setattr(celery.conf, "broker_url", broker)

    @app.get("/resize/<picture>")
    def view(picture: str) -> str:
        resize.delay(picture)
        return "accepted"

    with worker(backends, broker, pool):
        ids = [get(app, f"/resize/{name}").trace_id for name in ("cat.png", "cat.gif")]
        wait_for_tasks(backends, ids)
    for digits, fails in zip(ids, (False, True), strict=True):
        spans = {each["name"]: each for each in backends.spans(digits)}
        run, sent = spans["run/examples.celery_worker.resize"], spans["apply_async/examples.celery_worker.resize"]
        assert (run["parent_span_id"], run["kind"], sent["kind"]) == (sent["span_id"], "consumer", "producer")
        assert run["attributes"]["picture"] == ("cat.gif" if fails else "cat.png")
        assert run["status"]["code"] == ("error" if fails else "unset")
        segments = eventually(lambda digits=digits: backends.segments_of(digits), 2)  # type: ignore[misc]  # as above
        for each in segments:
            validate(each)
        [task] = [each for each in segments if each["id"] == run["span_id"]]
        assert (task["parent_id"], task.get("fault", False)) == (sent["span_id"], fails)
        assert task["annotations"]["picture"] == run["attributes"]["picture"]
        lines = [line["message"] for line in eventually(lambda digits=digits: backends.lines_of(digits), 2)]  # type: ignore[misc]  # as above
        assert ("resized" in lines) is not fails
        items = backends.items(digits)
        assert [each["body"]["trace"]["exception"]["class"] for each in items] == (["ValueError"] if fails else [])


class ExpectedError(Exception):
    """An error that a task lists in its `throws`."""


class Task:
    """What Celery sends as the sender of a signal."""

    throws = (ExpectedError,)


def test_a_task_whose_process_was_killed_reaches_the_error_sinks_and_an_expected_error_does_not(
    app: Flask, backends: FakeBackends
) -> None:
    # ProbeResult as the worker's main process sends them: there is no task's span there.
    signals.task_failure.send(sender=Task(), task_id="1", exception=ExpectedError())
    signals.task_failure.send(sender=Task(), task_id="2", exception=WorkerLostError("signal 9 (SIGKILL)"))
    assert app.extensions["onetrace"].flush(5)
    classes = [each["body"]["trace"]["exception"]["class"] for each in backends.items()]
    assert classes == ["WorkerLostError"]


@pytest.mark.usefixtures("app")
def test_the_end_of_a_workers_process_flushes(backends: FakeBackends) -> None:
    with job("resize"):
        digits = trace_id()
    assert digits is not None
    signals.worker_process_shutdown.send(sender=None, pid=1, exitcode=0)
    assert len(backends.spans(digits)) == 1  # at once
