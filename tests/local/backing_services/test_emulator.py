"""How the emulator and what depends on it are stopped."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

import pytest
from docker.errors import DockerException

from local.backing_services import emulator
from local.containers import engine
from local.workspace.folders import Folders
from local.workspace.processes import GRACE_SECONDS, Supervisor
from local.workspace.report import Report
from local.workspace.session import Session
from local.workspace.state import Record

FAKES, EMULATOR = Record("fakes", 1, 0.0), Record(emulator.ROLE, 2, 0.0)


class RecordingSupervisor(Supervisor):
    """Stops nothing."""

    def __init__(self, folders: Folders) -> None:
        super().__init__(folders, {})
        self.stopped: list[tuple[list[str], float]] = []

    def stop(self, records: Iterable[Record], grace: float = GRACE_SECONDS) -> list[Record]:
        stopped = list(records)
        self.stopped.append(([each.role for each in stopped], grace))
        return stopped


@pytest.fixture
def supervisor(tmp_path: Path) -> RecordingSupervisor:
    folders = Folders(tmp_path)
    folders.make()
    return RecordingSupervisor(folders)


def session_of(supervisor: RecordingSupervisor, folder: Path, output: io.StringIO) -> Session:
    session = Session.fresh(Folders(folder), {}, Report(output))
    session.supervisor = supervisor
    return session


def test_a_process_is_stopped_before_the_emulator(supervisor: RecordingSupervisor, tmp_path: Path) -> None:
    session = session_of(supervisor, tmp_path, io.StringIO())

    assert emulator.stop(session, [FAKES, EMULATOR]) == [FAKES, EMULATOR]
    assert supervisor.stopped == [(["fakes", "emulator"], GRACE_SECONDS)]


def test_an_emulator_with_containers_is_stopped_first_and_gets_their_stop_timeouts(
    supervisor: RecordingSupervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(socket: Path) -> NoReturn:
        raise DockerException(f"no {socket}")

    monkeypatch.setattr(engine, "connect", connect)
    output = io.StringIO()
    session = session_of(supervisor, tmp_path, output)
    session.state.engine = str(tmp_path / "none.sock")

    assert emulator.stop(session, [FAKES, EMULATOR]) == [EMULATOR, FAKES]
    assert supervisor.stopped == [(["emulator"], emulator.TASKS_GRACE_SECONDS), (["fakes"], GRACE_SECONDS)]
    assert f"The Docker engine at {tmp_path / 'none.sock'} does not respond" in output.getvalue()


@pytest.mark.parametrize("engine", [None, Path("/run/another.sock")])
def test_what_a_killed_emulator_has_left_in_its_engine_is_removed_whatever_the_next_one_runs_on(
    tmp_path: Path, engine: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session.fresh(Folders(tmp_path), {}, Report(io.StringIO()))
    session.folders.make()
    session.state.engine = "/run/of-the-killed.sock"
    removed_from: list[Path] = []
    monkeypatch.setattr(emulator, "_remove_leftovers", lambda _, socket: removed_from.append(socket))
    monkeypatch.setattr(emulator, "free_port", lambda: 1)
    monkeypatch.setattr(emulator, "load_balancer_port", lambda _: 2)
    monkeypatch.setattr(emulator, "_start", lambda _, aws, *__: aws)

    emulator.ensure(session, engine)

    assert removed_from == [Path("/run/of-the-killed.sock")]
    assert session.state.engine == (None if engine is None else str(engine))
