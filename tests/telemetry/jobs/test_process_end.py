"""A process that runs jobs sends what is queued when it ends, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.gunicorn_server import ROOT, environment, exit_limit

SCRIPT = """
import multiprocessing, os, signal, sys, threading, time
from flask_onetrace.telemetry import job, span, trace_id
from flask_onetrace.wsgi import build

def step():
    with span("in a child"):
        pass

def main():
    app = build()
    with job("nightly"):
        print(trace_id(), flush=True)
        {body}

main()
"""
ENDS = {
    "end": ("pass", 0),
    "exception": ("raise ValueError('none left')", 1),
    "exit": ("sys.exit(3)", 3),
    "exit of a thread": ("threading.Thread(target=sys.exit).start()", 0),
    "SIGTERM": ("time.sleep(60)", 143),
}


def run(variables: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    while line := process.stdout.readline():
        if len(line.strip()) == 32:
            return line.strip()
    raise AssertionError(process.communicate()[1])


def names(documents: list[Document]) -> list[str]:
    return sorted(each["name"] for each in documents)


@pytest.mark.parametrize("end", ENDS)
def test_a_script_delivers_its_last_job_to_every_sink(end: str, backends: FakeBackends) -> None:
    body, code = ENDS[end]
    began = time.monotonic()
    process = run({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}, "-c", SCRIPT.format(body=body))
    digits = first_line(process)
    limit = exit_limit(10, time.monotonic() - began)
    if end == "SIGTERM":
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, time.monotonic() - started < limit) == (code, True), errors
    assert names(backends.spans(digits)) == ["nightly"]
    [line] = backends.lines_of(digits)
    outcome = "succeeded" if code == 0 else "failed"
    assert line["message"] == f"job nightly {outcome}"
    assert len(backends.items(digits)) == (end in ("exception",))
    [segment] = eventually(lambda: backends.segments_of(digits), 1)
    assert segment.get("fault", False) is (code != 0)


def test_a_handler_of_sigterm_that_the_program_has_stays(backends: FakeBackends) -> None:
    body = "signal.signal(signal.SIGTERM, lambda *_: os._exit(9))\\n    with job('inner'): pass\\n    time.sleep(60)"
    script = SCRIPT.format(body="pass").replace("build()\n", f"build()\n    {body}\n".encode().decode("unicode_escape"))
    script = script.replace("with job('inner'): pass", "with job('inner'):\n        print(trace_id(), flush=True)")
    process = run({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}, "-c", script)
    first_line(process)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 9


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_child_process_continues_the_trace_and_delivers_its_spans(method: str, backends: FakeBackends) -> None:
    code = (
        "import sys; sys.path.insert(0, '.'); from tests.telemetry.jobs import child_process;"
        f" child_process.main({method!r})"
    )
    process = run({**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}, "-c", code)
    digits = first_line(process)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert names(eventually(lambda: backends.spans(digits), 2)) == ["in a child", "parent"]


def test_unreachable_sinks_delay_the_end_by_the_deadline_at_most(backends: FakeBackends) -> None:
    unreachable = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "TELEMETRY_SHUTDOWN_DEADLINE": "2"}
    variables = {**backends.environment, **backends.aws, **unreachable, "LOG_CONSOLE": "false"}
    began = time.monotonic()
    process = run(variables, "-c", SCRIPT.format(body="pass"))
    first_line(process)
    started = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert time.monotonic() - started < exit_limit(2, started - began)


def test_the_examples_script_and_command_are_traces(backends: FakeBackends) -> None:
    variables = {**backends.environment, **backends.aws, "LOG_CONSOLE": "false"}
    process = run(variables, "-m", "flask", "--app", "examples.flask_command:build", "restock", "5")
    digits = first_line(process)
    process.communicate(timeout=30)
    [root] = backends.spans(digits)
    assert (root["name"], root["attributes"]["amount"]) == ("restock", 5)
    process = run(variables, "-m", "examples.nightly_job")
    process.communicate(timeout=30)
    lines = [line for line in backends.logs.lines if line.get("job") == "nightly-report"]
    assert [line["message"] for line in lines] == ["report written", "job nightly-report succeeded"]
    assert names(backends.spans(lines[0]["trace_id"])) == ["count orders", "nightly-report"]
