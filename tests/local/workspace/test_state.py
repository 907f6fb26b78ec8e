from __future__ import annotations

from pathlib import Path

import pytest

from local.workspace.errors import LocalError
from local.workspace.lock import exclusive
from local.workspace.state import Record, RunningService, StandInPorts, State


def full() -> State:
    return State(
        processes=[Record("emulator", 11, 1.5), Record("service", 12, 2.5), Record("service", 13, 3.5)],
        gateway_port=4566,
        bootstrapped=True,
        stand_ins=StandInPorts(honeycomb=1, rollbar=2, daemon=3),
        outputs={"Url": "http://example.invalid"},
        service=RunningService(port=4, identity="abc", task_definition="arn"),
    )


@pytest.mark.parametrize("state", [full(), State()])
def test_what_is_saved_is_loaded(tmp_path: Path, state: State) -> None:
    state.save(tmp_path / "state.json")

    assert State.load(tmp_path / "state.json") == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_without_a_file_nothing_is_running(tmp_path: Path) -> None:
    assert State.load(tmp_path / "state.json") == State()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"processes": [{"pid": 1}]}'])
def test_an_unreadable_file_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(LocalError, match=r"state\.json is not a state file.*make down"):
        State.load(path)


def test_the_newest_process_of_a_role_counts_until_it_is_forgotten() -> None:
    state = full()
    assert state.of("service") == Record("service", 13, 3.5)

    state.forget([Record("service", 13, 3.5)])

    assert state.of("service") == Record("service", 12, 2.5)
    assert state.of("stand-ins") is None


def test_a_second_holder_of_the_lock_is_told_of_the_first(tmp_path: Path) -> None:
    refused = pytest.raises(LocalError, match=r"Another make up .* \(process \d+\)")
    with exclusive(tmp_path / "lock"), refused, exclusive(tmp_path / "lock"):
        pytest.fail("two held the lock")


def test_the_lock_is_free_after_its_holder_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock"):
        raise ZeroDivisionError

    with exclusive(tmp_path / "lock"):
        assert (tmp_path / "lock").read_text(encoding="utf-8").isdigit()
