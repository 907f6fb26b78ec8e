from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from infra.application import DEFAULT_FOLDER
from local.backing_services.running import NotRunningError
from local.commands.logs import POLL_SECONDS, logs
from local.commands.up import stop_started_on_failure
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.lock import exclusive
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import Record, Selected, State

NOTHING = "error: Nothing is running. Start with make up\n"


def start(state: Path, *command: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "local", *command],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "LOCAL_STATE_DIR": str(state)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "run", "ask"])
def test_an_app_that_is_no_folder_is_an_error_of_every_command(tmp_path: Path, command: str) -> None:
    arguments = [command, "pwd"] if command == "run" else [command]
    result = subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], "LOCAL_STATE_DIR": str(tmp_path), "APP": "/nowhere"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("error: APP='/nowhere' is no folder. Set it")


def run(state: Path, *command: str, **environment: str) -> tuple[int, str, str]:
    with start(state, *command, **environment) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def test_status_without_processes_says_how_to_start(tmp_path: Path) -> None:
    assert run(tmp_path, "status") == (1, "", NOTHING)


@pytest.mark.parametrize(
    ("engine", "mode"), [(None, "a process"), ("/run/docker.sock", "containers of the engine at /run/docker.sock")]
)
def test_status_names_the_mode(tmp_path: Path, engine: str | None, mode: str) -> None:
    with emulator_up(tmp_path, engine=engine):
        code, out, _ = run(tmp_path, "status")

    assert (code, f"mode            {mode}\n" in out) == (0, True)


def test_ask_without_processes_says_how_to_start(tmp_path: Path) -> None:
    assert run(tmp_path, "ask") == (1, "", NOTHING)


def test_run_without_processes_says_how_to_start(tmp_path: Path) -> None:
    assert run(tmp_path, "run", "flask routes") == (1, "", NOTHING)


def test_run_without_a_command_says_what_to_pass(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "run", " ")

    assert code == 1
    assert err.startswith("error: CMD is empty. Pass a command")


def test_up_refuses_a_variable_that_it_sets_itself_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "onetrace.toml").write_text("name = 'Shop'\n[local.variables]\nPORT = '1'\n", encoding="utf-8")
    code, out, err = run(tmp_path / "state", "up", APP=str(tmp_path))

    assert (code, out) == (1, "")
    assert err == (
        f"error: {tmp_path}/onetrace.toml: [local.variables] has PORT, which make up sets itself. Remove it there\n"
    )
    assert not (tmp_path / "state").exists()


def test_down_without_processes_succeeds(tmp_path: Path) -> None:
    assert run(tmp_path, "down") == (0, "Nothing was running\n", "")


def test_down_succeeds_with_an_unreadable_state_file(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{", encoding="utf-8")

    code, out, err = run(tmp_path, "down")

    assert (code, err) == (0, "")
    assert "finding processes by their environment instead" in out
    assert not (tmp_path / "state.json").exists()


def test_an_unreadable_state_file_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("{", encoding="utf-8")

    code, out, err = run(tmp_path, "status")

    assert (code, out) == (1, "")
    assert err.startswith(f"error: {tmp_path}/state.json is not a state file")
    assert err.count("\n") == 1


def test_an_unknown_command_lists_the_valid_ones(tmp_path: Path) -> None:
    code, _, err = run(tmp_path, "restart")

    assert code == 2
    for command in ("up", "down", "status", "logs", "run", "ask"):
        assert command in err


def write_log(state: Path, text: str) -> None:
    (state / "logs").mkdir()
    (state / "logs" / "service.log").write_text(text, encoding="utf-8")


@contextmanager
def emulator_up(state: Path, engine: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Record a process in the emulator's place."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"]) as process:
        record = Record("emulator", process.pid, psutil.Process(process.pid).create_time())
        State(processes=[record], gateway_port=1, engine=engine).save(state / "state.json")
        try:
            yield process
        finally:
            process.kill()


def test_logs_without_processes_says_how_to_start(tmp_path: Path) -> None:
    assert run(tmp_path, "logs") == (1, "", NOTHING)


@pytest.mark.parametrize("options", [[], ["--no-follow"]])
def test_logs_of_the_last_run_are_printed_as_such(tmp_path: Path, options: list[str]) -> None:
    write_log(tmp_path, "a line of the service\n")
    (tmp_path / "logs" / "log-group.log").write_text("a line of the log group\n", encoding="utf-8")

    code, out, err = run(tmp_path, "logs", *options)

    assert (code, out) == (1, "- -          service: a line of the service\n- -          a line of the log group\n")
    assert err == "error: Nothing is running; these are the logs of the last run. Start with make up\n"


@pytest.mark.parametrize("end", ["down", "crash"])
def test_logs_ends_when_what_is_up_ends(tmp_path: Path, end: str) -> None:
    write_log(tmp_path, "a line of the service\n")
    with emulator_up(tmp_path) as emulator, start(tmp_path, "logs") as process:
        assert process.stdout is not None
        process.stdout.readline()
        if end == "down":
            (tmp_path / "state.json").unlink()
        emulator.kill()
        _, err = process.communicate(timeout=30)

    sentence = {
        "down": "error: The local deployment is no longer running. Start it again with make up\n",
        "crash": f"error: The AWS emulator (process {emulator.pid}) has died, and with it the telemetry that it had."
        f" Start again with make up; its last lines are in {tmp_path}/logs/emulator.log\n",
    }
    assert (process.returncode, err) == (1, sentence[end])


@pytest.mark.parametrize("command", ["status", "ask", "run", "logs"])
def test_each_command_names_an_emulator_that_has_died(tmp_path: Path, command: str) -> None:
    with emulator_up(tmp_path) as emulator:
        emulator.kill()
    code, _, err = run(tmp_path, command, *(["pwd"] if command == "run" else []))

    assert code == 1
    assert err.startswith(f"error: The AWS emulator (process {emulator.pid}) has died, and with it the telemetry")


@pytest.mark.parametrize("command", ["status", "ask", "run"])
def test_each_command_says_that_make_up_has_not_started_the_emulator_yet(tmp_path: Path, command: str) -> None:
    with exclusive(tmp_path / "lock"):
        code, out, err = run(tmp_path, command, *(["pwd"] if command == "run" else []))

    assert (code, out) == (1, "")
    assert err == f"error: make up or make down is at work (process {os.getpid()}). Wait until it ends\n"


def test_logs_waits_for_the_make_up_that_is_at_work(tmp_path: Path) -> None:
    write_log(tmp_path, "a line of the service\n")
    with exclusive(tmp_path / "lock"):
        process = start(tmp_path, "logs")
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(2 * POLL_SECONDS)
        assert process.poll() is None
    _, err = process.communicate(timeout=30)

    assert (process.returncode, first) == (1, "- -          service: a line of the service\n")
    assert err == "error: The local deployment is no longer running. Start it again with make up\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("delay", [0.0, 0.003, 0.3])
def test_a_signal_ends_logs_quietly(tmp_path: Path, number: signal.Signals, delay: float) -> None:
    """Twice, as make passes on what timeout sends to both."""
    write_log(tmp_path, "a line of the service\n")

    with emulator_up(tmp_path), start(tmp_path, "logs") as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(delay)
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate(timeout=30)

    assert first == "- -          service: a line of the service\n"
    assert (process.returncode, err) == (0, "")


def test_logs_ends_when_its_reader_has_ended(tmp_path: Path) -> None:
    """Without another line to print, which would fail."""
    write_log(tmp_path, "a line of the service\n")

    with emulator_up(tmp_path), start(tmp_path, "logs") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=30)


def test_logs_ends_when_the_emulator_no_longer_responds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.logs.sources.RETRY_SECONDS", 0.0)
    with emulator_up(tmp_path), (tmp_path / "out").open("w", encoding="utf-8") as out:
        session = Session.open(Folders(tmp_path), os.environ, Report(out))
        session.state.application = Selected(name="Cruddur", folder=str(DEFAULT_FOLDER), flask_app=None)
        with pytest.raises(NotRunningError, match=r"The AWS emulator at http://127.0.0.1:1 does not respond"):
            logs(session, follow=True)


def test_a_closed_output_pipe_causes_no_traceback(tmp_path: Path) -> None:
    write_log(tmp_path, "a line of the service\n" * 10_000)

    with emulator_up(tmp_path), start(tmp_path, "logs") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
        process.wait(timeout=30)

    assert (process.returncode, err) == (1, "")


def start_and_fail(session: Session, command: list[str]) -> None:
    with stop_started_on_failure(session):
        session.start("service", command, {})
        raise ZeroDivisionError


def test_a_failed_run_stops_its_own_processes_and_no_earlier_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    folders = Folders(tmp_path)
    folders.make()
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        before = Session.fresh(folders, os.environ, Report(out))
        earlier = before.start("emulator", sleep, {})
        now = Session.open(folders, os.environ, Report(out))
        try:
            with pytest.raises(ZeroDivisionError):
                start_and_fail(now, sleep)

            assert now.running("emulator") == earlier
            assert now.running("service") is None
            assert Session.open(folders, os.environ, Report(out)).state.processes == [earlier]
        finally:
            before.stop([earlier])
    assert "Stopped what this run started: service" in (tmp_path / "out").read_text(encoding="utf-8")
