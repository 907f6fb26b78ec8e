from __future__ import annotations

from pathlib import Path

import pytest

from local.workspace.state import Database, FakePorts, Record, RunningService, Selected, State
from operations.errors import OperatorError


def full() -> State:
    return State(
        processes=[Record("emulator", 11, 1.5), Record("service", 12, 2.5), Record("service", 13, 3.5)],
        application=Selected(name="Shop", folder="/home/me/shop", flask_app="shop"),
        gateway_port=4566,
        load_balancer_port=8080,
        bootstrapped=True,
        fake_ports=FakePorts(honeycomb=1, honeycomb_eu=9, rollbar=2, daemon=3),
        stacks="digest",
        database=Database(folder="/home/me/database", port=5432, password="planted"),
        outputs={"Url": "http://example.invalid"},
        service=RunningService(port=4, pid=13, identity="abc", task_definition="arn"),
    )


@pytest.mark.parametrize("state", [full(), State()])
def test_a_saved_state_is_loaded_unchanged(tmp_path: Path, state: State) -> None:
    state.save(tmp_path / "state.json")

    assert State.load(tmp_path / "state.json") == state
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_without_a_file_the_state_is_empty(tmp_path: Path) -> None:
    assert State.load(tmp_path / "state.json") == State()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"processes": [{"pid": 1}]}'])
def test_an_unreadable_file_is_an_error_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(OperatorError, match=r"state\.json is not a state file.*make down"):
        State.load(path)


def test_a_database_hides_its_password_in_repr() -> None:
    assert "planted" not in repr(full())


def test_a_process_that_has_ended_is_removed() -> None:
    state = full()

    state.remove([Record("service", 13, 3.5)])

    assert state.processes == [Record("emulator", 11, 1.5), Record("service", 12, 2.5)]
