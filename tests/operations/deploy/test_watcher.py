"""The deploy is watched beside the CDK, which keeps the terminal, and no more often than AWS allows."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from unittest.mock import Mock

import pytest

from operations.deploy.reader import Reader
from operations.deploy.stopped_tasks import StoppedTask
from operations.deploy.watcher import Watcher, live_printer
from tests.operations.deploy.conftest import ROOT
from tests.operations.deploy.responses import error

# To the child, all three streams are a terminal, on which it can ask.
ASK = "test -t 0 && test -t 1 && test -t 2 && printf 'deploy? ' && read answer && echo \"answered $answer\" && exit 4"


def test_the_cdk_owns_the_terminal() -> None:
    master, terminal = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "operations.deploy", "--environment", "dev", "--", "sh", "-c", ASK],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AWS_CONFIG_FILE": os.devnull},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        os.write(master, b"y\n")
        status = process.wait(timeout=30)
    printed = os.read(master, 4096).decode()
    os.close(master)
    assert "deploy? " in printed
    assert "answered y" in printed
    assert status == 4


def test_while_aws_throttles_it_asks_ever_less_often() -> None:
    reader, pauses, throttled = Reader(), list[float](), iter([*[True] * 6, *[False] * 2])

    def poll() -> None:
        def call() -> None:
            if next(throttled):
                raise error("ThrottlingException", "DescribeServices")

        reader.read("services", call, None)

    def wait(pause: float) -> bool:
        pauses.append(pause)
        return len(pauses) == 9

    watcher = Watcher(Mock(poll=poll), reader, seconds=5.0)
    watcher._stop = Mock(wait=wait)
    watcher.start()
    watcher.stop()
    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0, 60.0, 5.0, 5.0]


def test_of_many_tasks_that_stop_for_one_reason_three_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = live_printer()
    for number in range(20):
        moment = datetime.fromtimestamp(number, UTC)
        callbacks.task(StoppedTask(moment, f"task-{number}", "backend:2", "TaskFailedToStart", "CannotPull", ()))
    callbacks.task(StoppedTask(None, "another", "backend:2", "TaskFailedToStart", "OutOfMemory", ()))
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "task-" in line] == lines[:3]
    assert lines[3] == "ECS | more tasks stop for this reason"
    assert "another" in lines[4]
