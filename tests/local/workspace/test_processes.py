from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from local.workspace import processes
from local.workspace.errors import FailedStepError
from local.workspace.folders import Folders
from local.workspace.processes import Supervisor, is_running, telling_lines
from local.workspace.state import Record

WAIT_FOREVER = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT_FOREVER}"
WITH_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); {WAIT_FOREVER}"
)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    made = Folders(tmp_path)
    made.make()
    return made


@pytest.fixture
def supervisor(folders: Folders) -> Iterator[Supervisor]:
    made = Supervisor(folders, {"PATH": os.environ["PATH"], "HONEYCOMB_API_KEY": "fake-key-of-the-person"})
    yield made
    made.stop(made.strays())


def run(supervisor: Supervisor, code: str, **environment: str) -> Record:
    return supervisor.start("probe", [sys.executable, "-c", code], environment)


def eventually(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def log_of(folders: Folders) -> str:
    return folders.log("probe").read_text(encoding="utf-8")


def test_a_process_gets_its_environment_the_mark_and_nothing_of_the_persons(
    supervisor: Supervisor, folders: Folders
) -> None:
    record = run(supervisor, "import os; print(sorted(os.environ))", PORT="1")
    eventually(lambda: supervisor.exit_code(record) == 0)

    inherited_or_given = {"CRUDDUR_LOCAL_STATE", "PATH", "PORT"}
    assert set(eval(log_of(folders))) - {"LC_CTYPE"} == inherited_or_given  # noqa: S307 - the list printed above


def test_a_stopped_process_is_gone_and_stopping_it_again_is_harmless(supervisor: Supervisor) -> None:
    record = run(supervisor, WAIT_FOREVER)
    assert is_running(record)

    assert supervisor.stop([record]) == [record]
    assert not is_running(record)
    assert supervisor.stop([record]) == []


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace(
    supervisor: Supervisor, folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.5)
    record = run(supervisor, STUBBORN)
    eventually(lambda: "ready" in log_of(folders))

    supervisor.stop([record])

    assert supervisor.exit_code(record) == -9


def test_the_children_of_a_stopped_process_end_too(supervisor: Supervisor, folders: Folders) -> None:
    record = run(supervisor, WITH_CHILD)
    eventually(lambda: "ready" in log_of(folders))
    [child] = psutil.Process(record.pid).children()

    supervisor.stop([record])

    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_a_recycled_pid_is_never_hit(supervisor: Supervisor) -> None:
    real = run(supervisor, WAIT_FOREVER)
    earlier = Record("probe", real.pid, real.created - 3600)

    assert not is_running(earlier)
    assert supervisor.stop([earlier]) == []
    assert is_running(real)


def test_a_process_that_nobody_recorded_is_found_by_its_mark(supervisor: Supervisor, folders: Folders) -> None:
    record = run(supervisor, WAIT_FOREVER)
    eventually(lambda: "ready" in log_of(folders))

    found = Supervisor(folders, {}).strays()

    assert [each.pid for each in found] == [record.pid]


def test_the_processes_of_another_state_folder_are_left_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    run(supervisor, WAIT_FOREVER)

    assert Supervisor(Folders(tmp_path / "other"), {}).strays() == []


def test_waiting_ends_at_once_with_the_last_lines_when_the_process_ends(supervisor: Supervisor) -> None:
    record = run(supervisor, "print('port 1 is taken')")

    with pytest.raises(FailedStepError, match=r"The probe ended before it was ready.*probe\.log") as raised:
        supervisor.wait_until(lambda: False, record, seconds=30, what="The probe")

    assert raised.value.lines == ["port 1 is taken"]


def test_waiting_is_bounded(supervisor: Supervisor) -> None:
    record = run(supervisor, WAIT_FOREVER)

    with pytest.raises(FailedStepError, match=r"The probe is not ready after 0\.3 s"):
        supervisor.wait_until(lambda: False, record, seconds=0.3, what="The probe")


def test_a_replacement_does_not_write_into_the_log_of_the_process_that_it_replaces(
    supervisor: Supervisor, folders: Folders
) -> None:
    run(supervisor, WAIT_FOREVER)
    eventually(lambda: "ready" in log_of(folders))

    run(supervisor, "print('new')")

    eventually(lambda: log_of(folders) == "new\n")


def test_the_error_that_scrolled_by_is_told_before_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    chatter = [f"line {number}" for number in range(40)]
    log.write_text(
        "\n".join([*chatter, "", "RuntimeError: broken", *chatter, "RuntimeError: broken", *chatter]), encoding="utf-8"
    )

    told = telling_lines(log)

    assert told == ["RuntimeError: broken", *chatter[-15:]]
    assert telling_lines(tmp_path / "absent.log") == []
