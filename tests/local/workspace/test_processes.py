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
from local.workspace.processes import Supervisor, error_lines, is_running
from local.workspace.state import Record

WAIT_FOREVER = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAIT_FOREVER}"
WITH_CHILD = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); {WAIT_FOREVER}"
)


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    paths = Folders(tmp_path)
    paths.make()
    return paths


@pytest.fixture
def supervisor(folders: Folders) -> Iterator[Supervisor]:
    instance = Supervisor(folders, {"PATH": os.environ["PATH"], "HONEYCOMB_API_KEY": "fake-key-of-the-user"})
    yield instance
    instance.stop(instance.orphans())


def run(supervisor: Supervisor, code: str, **environment: str) -> Record:
    return supervisor.start("probe", [sys.executable, "-c", code], environment)


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was never met"
        time.sleep(0.05)


def log_of(folders: Folders) -> str:
    return folders.log("probe").read_text(encoding="utf-8")


def test_a_process_gets_its_environment_and_only_safe_inherited_variables(
    supervisor: Supervisor, folders: Folders
) -> None:
    record = run(supervisor, "import os; print(sorted(os.environ))", PORT="1")
    eventually(lambda: supervisor.exit_code(record) == 0)

    expected = {"ONETRACE_LOCAL_STATE", "PATH", "PORT", "TMPDIR"}
    assert set(eval(log_of(folders))) - {"LC_CTYPE"} == expected  # noqa: S307 - the list printed above


def test_stopping_a_process_twice_is_harmless(supervisor: Supervisor) -> None:
    record = run(supervisor, WAIT_FOREVER)
    assert is_running(record)

    assert supervisor.stop([record]) == [record]
    assert not is_running(record)
    assert supervisor.stop([record]) == []


def test_a_process_that_ignores_sigterm_is_killed_after_the_grace_period(
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


def test_a_process_with_a_recycled_pid_is_not_stopped(supervisor: Supervisor) -> None:
    real = run(supervisor, WAIT_FOREVER)
    earlier = Record("probe", real.pid, real.created - 3600)

    assert not is_running(earlier)
    assert supervisor.stop([earlier]) == []
    assert is_running(real)


def test_an_unrecorded_process_is_found_by_its_environment(supervisor: Supervisor, folders: Folders) -> None:
    record = run(supervisor, WAIT_FOREVER)
    eventually(lambda: "ready" in log_of(folders))

    orphans = Supervisor(folders, {}).orphans()

    assert [each.pid for each in orphans] == [record.pid]


def test_the_processes_of_another_state_folder_are_left_alone(supervisor: Supervisor, tmp_path: Path) -> None:
    run(supervisor, WAIT_FOREVER)

    assert Supervisor(Folders(tmp_path / "other"), {}).orphans() == []


def test_waiting_reports_the_seconds_so_far_and_ends_with_the_callers_remedy(supervisor: Supervisor) -> None:
    record, seconds = run(supervisor, WAIT_FOREVER), list[float]()

    with pytest.raises(FailedStepError, match=r"The probe was not ready after 0\.2 s\. Set X \("):
        supervisor.wait_until(
            lambda: False, record, seconds=0.2, what="The probe", remedy="Set X", progress=seconds.append
        )

    assert seconds == sorted(seconds)
    assert 0 < seconds[-1] <= 0.2


def test_waiting_for_a_process_that_exits_raises_its_last_lines(supervisor: Supervisor) -> None:
    record = run(supervisor, "print('port 1 is taken')")

    with pytest.raises(FailedStepError, match=r"The probe exited before it was ready.*probe\.log") as error_info:
        supervisor.wait_until(lambda: False, record, seconds=30, what="The probe")

    assert error_info.value.lines == ["port 1 is taken"]


def test_waiting_times_out(supervisor: Supervisor) -> None:
    record = run(supervisor, WAIT_FOREVER)

    with pytest.raises(FailedStepError, match=r"The probe was not ready after 0\.3 s"):
        supervisor.wait_until(lambda: False, record, seconds=0.3, what="The probe")


def test_a_replacement_writes_to_a_new_log_file(supervisor: Supervisor, folders: Folders) -> None:
    run(supervisor, WAIT_FOREVER)
    eventually(lambda: "ready" in log_of(folders))

    run(supervisor, "print('new')")

    eventually(lambda: log_of(folders) == "new\n")


def test_an_earlier_error_precedes_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    chatter = [f"line {number}" for number in range(40)]
    log.write_text(
        "\n".join([*chatter, "", "RuntimeError: broken", *chatter, "RuntimeError: broken", *chatter]), encoding="utf-8"
    )

    lines = error_lines(log)

    assert lines == ["RuntimeError: broken", *chatter[-15:]]
    assert error_lines(tmp_path / "absent.log") == []
