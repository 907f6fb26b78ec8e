"""What others created or set in Honeycomb is kept; what is declared is restored."""

from __future__ import annotations

import copy

import pytest

from tests.operations.honeycomb_rig import Rig, change_specification, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_a_changed_trigger_keeps_what_people_set_on_it(rig: Rig) -> None:
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


def test_a_trigger_without_recipients_is_reported(rig: Rig) -> None:
    rig.run()
    assert len([line for line in rig.run().lines("leave") if "notifies nobody" in line]) == 2

    for trigger in rig.environment.triggers.values():
        trigger["recipients"] = [{"id": "r1"}]

    assert not [line for line in rig.run().lines("leave") if "notifies nobody" in line]


def test_a_change_by_hand_is_reverted_to_what_is_declared(rig: Rig) -> None:
    rig.run()
    before = copy.deepcopy((rig.environment.boards, rig.environment.triggers))
    [board] = rig.environment.boards.values()
    board["name"] = "Mine now"
    board["panels"].pop()
    for trigger in rig.environment.triggers.values():
        trigger["frequency"] = 900

    assert len(rig.writes_of()) == 3
    assert (rig.environment.boards, rig.environment.triggers) == before


def test_resources_of_others_are_counted_and_left_alone(rig: Rig) -> None:
    rig.run()
    for things in (rig.environment.boards, rig.environment.annotations, rig.environment.triggers):
        theirs = {**copy.deepcopy(next(iter(things.values()))), "id": f"theirs{len(things)}", "description": "mine"}
        things[theirs["id"]] = theirs
        rig.environment.dataset_of[theirs["id"]] = "backend-flask"
    rig.edit("queries/latency-by-user.json", change_specification)
    before = copy.deepcopy(rig.environment)

    outcome = rig.run()

    assert "Created by others and left alone: 1 named queries, 1 boards, 1 triggers." in outcome.out
    for now, then in (
        (rig.environment.boards, before.boards),
        (rig.environment.annotations, before.annotations),
        (rig.environment.triggers, before.triggers),
    ):
        assert [now[each] for each in now if each.startswith("theirs")] == [
            then[each] for each in then if each.startswith("theirs")
        ]


def test_panels_that_people_added_stay_on_the_board(rig: Rig) -> None:
    rig.run()
    added = {
        "type": "text",
        "text_panel": {"content": "call Worf"},
        "position": {"x_coordinate": 0, "y_coordinate": 20},
    }
    rig.panels().append(added)
    assert rig.writes_of() == []
    rig.edit("queries/latency-by-user.json", change_specification)

    rig.run()

    assert rig.panels()[-1] == added
    assert len(rig.panels()) == 6


def test_a_panel_that_people_added_of_a_triggers_query_stays(rig: Rig) -> None:
    rig.run()
    [failing] = [each for each in rig.environment.annotations.values() if each["name"] == "Cruddur: answers with 5xx"]
    query_panel = {"query_id": failing["query_id"], "query_annotation_id": failing["id"], "query_style": "graph"}
    added = {"type": "query", "query_panel": query_panel, "position": {"x_coordinate": 0, "y_coordinate": 20}}
    rig.panels().append(added)
    assert rig.writes_of() == []
    rig.edit("queries/server-errors.json", lambda document: document["query"].update(time_range=600))
    rig.edit("queries/latency-by-user.json", change_specification)

    rig.run()

    assert rig.panels()[-1]["query_panel"]["query_annotation_id"] == failing["id"]
    assert len(rig.panels()) == 6
    assert rig.writes_of() == []


def test_a_resource_without_its_ownership_tag_is_left_alone(rig: Rig) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    board["description"] = "ours alone"

    assert rig.writes_of() == ["POST /1/boards"]
    assert rig.environment.boards[board["id"]]["description"] == "ours alone"


def test_a_copy_of_the_board_is_an_error(rig: Rig) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    rig.environment.boards["copy"] = {**board, "id": "copy"}
    before = list(rig.environment.writes)

    outcome = rig.run()

    assert outcome.code == 1
    assert f"ids {board['id']}, copy" in outcome.err
    assert "Delete that line" in outcome.err
    assert rig.environment.writes == before


def test_what_is_no_longer_declared_is_named_and_left_alone(rig: Rig) -> None:
    rig.run()
    (rig.folder / "triggers" / "slow-requests.json").unlink()
    (rig.folder / "queries" / "slow-requests.json").unlink()

    outcome = rig.run()

    lines = [line for line in outcome.lines("leave") if "no longer declared" in line]
    assert [line.split(":")[0] for line in lines] == ["query slow-requests", "trigger slow-requests of backend-flask"]
    assert len(rig.environment.triggers) == 2
