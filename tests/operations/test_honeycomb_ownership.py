"""What others made, or set on what was made here, stays theirs; what is declared is put back."""

from __future__ import annotations

import copy

import pytest

from tests.operations.honeycomb_rig import Rig, ask_something_else, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_what_people_set_on_a_trigger_is_kept_when_it_changes(rig: Rig) -> None:
    rig.run()
    [trigger] = [each for each in rig.environment.triggers.values() if "slow" in each["name"]]
    trigger["recipients"] = [{"id": "r1", "type": "email", "target": "ops@cruddur.example"}]
    trigger["tags"] = [{"key": "team", "value": "blue"}]
    trigger["disabled"] = True
    assert rig.writes_of() == []
    rig.edit("triggers/slow-requests.json", lambda document: document["threshold"].update(value=1500))

    assert "trigger slow-requests: its threshold" in rig.run().lines("change")

    changed = rig.environment.triggers[trigger["id"]]
    assert changed["threshold"]["value"] == 1500
    assert (changed["tags"], changed["disabled"]) == ([{"key": "team", "value": "blue"}], True)
    assert [each["id"] for each in changed["recipients"]] == ["r1"]


def test_a_trigger_that_tells_nobody_says_so_until_somebody_is_told(rig: Rig) -> None:
    rig.run()
    assert len([line for line in rig.run().lines("leave") if "tells nobody" in line]) == 2

    for trigger in rig.environment.triggers.values():
        trigger["recipients"] = [{"id": "r1"}]

    assert not [line for line in rig.run().lines("leave") if "tells nobody" in line]


def test_what_was_changed_by_hand_is_put_back_as_declared(rig: Rig) -> None:
    rig.run()
    before = copy.deepcopy((rig.environment.boards, rig.environment.triggers))
    [board] = rig.environment.boards.values()
    board["name"] = "Mine now"
    board["panels"].pop()
    for trigger in rig.environment.triggers.values():
        trigger["frequency"] = 900

    assert len(rig.writes_of()) == 3
    assert (rig.environment.boards, rig.environment.triggers) == before


def test_what_others_made_is_counted_and_untouched(rig: Rig) -> None:
    rig.run()
    for things in (rig.environment.boards, rig.environment.annotations, rig.environment.triggers):
        theirs = {**copy.deepcopy(next(iter(things.values()))), "id": f"theirs{len(things)}", "description": "mine"}
        things[theirs["id"]] = theirs
        rig.environment.dataset_of[theirs["id"]] = "backend-flask"
    rig.edit("queries/latency-by-user.json", ask_something_else)
    before = copy.deepcopy(rig.environment)

    outcome = rig.run()

    assert "Not made here, and left untouched: 1 named queries, 1 boards, 1 triggers." in outcome.out
    for now, then in (
        (rig.environment.boards, before.boards),
        (rig.environment.annotations, before.annotations),
        (rig.environment.triggers, before.triggers),
    ):
        assert [now[each] for each in now if each.startswith("theirs")] == [
            then[each] for each in then if each.startswith("theirs")
        ]


def test_panels_that_people_added_to_the_board_stay_on_it(rig: Rig) -> None:
    rig.run()
    added = {
        "type": "text",
        "text_panel": {"content": "call Worf"},
        "position": {"x_coordinate": 0, "y_coordinate": 20},
    }
    rig.panels().append(added)
    assert rig.writes_of() == []
    rig.edit("queries/latency-by-user.json", ask_something_else)

    rig.run()

    assert rig.panels()[-1] == added
    assert len(rig.panels()) == 6


def test_a_panel_that_people_added_of_a_query_for_a_trigger_stays_too(rig: Rig) -> None:
    rig.run()
    [failing] = [each for each in rig.environment.annotations.values() if each["name"] == "Cruddur: answers with 5xx"]
    shown = {"query_id": failing["query_id"], "query_annotation_id": failing["id"], "query_style": "graph"}
    added = {"type": "query", "query_panel": shown, "position": {"x_coordinate": 0, "y_coordinate": 20}}
    rig.panels().append(added)
    assert rig.writes_of() == []
    rig.edit("queries/server-errors.json", lambda document: document["query"].update(time_range=600))
    rig.edit("queries/latency-by-user.json", ask_something_else)

    rig.run()

    assert rig.panels()[-1]["query_panel"]["query_annotation_id"] == failing["id"]
    assert len(rig.panels()) == 6
    assert rig.writes_of() == []


def test_what_lost_its_last_line_belongs_to_whoever_took_it(rig: Rig) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    board["description"] = "ours alone"

    assert rig.writes_of() == ["POST /1/boards"]
    assert rig.environment.boards[board["id"]]["description"] == "ours alone"


def test_a_copy_of_the_board_is_not_guessed_about(rig: Rig) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    rig.environment.boards["copy"] = {**board, "id": "copy"}
    before = list(rig.environment.writes)

    outcome = rig.run()

    assert outcome.code == 1
    assert f"ids {board['id']}, copy" in outcome.err
    assert "Take that line out" in outcome.err
    assert rig.environment.writes == before


def test_what_is_no_longer_declared_is_left_and_named(rig: Rig) -> None:
    rig.run()
    (rig.folder / "triggers" / "slow-requests.json").unlink()
    (rig.folder / "queries" / "slow-requests.json").unlink()

    outcome = rig.run()

    said = [line for line in outcome.lines("leave") if "no longer declared" in line]
    assert [line.split(":")[0] for line in said] == ["query slow-requests", "trigger slow-requests of backend-flask"]
    assert len(rig.environment.triggers) == 2
