"""What is declared is at Honeycomb after one run, a second run has nothing to do, and a change is followed."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.honeycomb.__main__ import DECLARATIONS
from operations.honeycomb.declarations import load
from tests.operations.honeycomb_rig import FASTER, Rig, ask_something_else, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]


def test_a_first_run_makes_everything_that_is_declared(rig: Rig) -> None:
    outcome = rig.run()

    declared = load(DECLARATIONS)
    assert outcome.code == 0
    assert len(outcome.lines("create")) == len(declared.queries) + len(declared.triggers) + 1
    assert {each["name"] for each in rig.environment.annotations.values()} == {
        each.name for each in declared.queries.values()
    }
    assert {each["name"] for each in rig.environment.triggers.values()} == {
        each.name for each in declared.triggers.values()
    }
    assert [each["name"] for each in rig.environment.boards.values()] == [declared.board.name]


def test_the_board_shows_each_declared_query_under_its_name(rig: Rig) -> None:
    rig.run()

    shown = [rig.environment.annotations[each["query_panel"]["query_annotation_id"]] for each in rig.panels()]
    assert [each["name"] for each in shown] == [
        "Cruddur: latency by user",
        "Cruddur: recent traces",
        "Cruddur: browser and backend, p95 per route",
        "Cruddur: errors by route",
        "Cruddur: web vitals by page",
    ]
    assert [each["query_id"] for each in shown] == [each["query_panel"]["query_id"] for each in rig.panels()]


def test_the_boards_address_is_told_when_it_is_made_and_ever_after(rig: Rig) -> None:
    assert "The board" not in rig.run("--plan").out
    made, again = rig.run(), rig.run()
    rig.edit("board.json", lambda document: document.update(name="Cruddur, renamed"))
    renamed, planned = rig.run(), rig.run("--plan")

    [board] = rig.environment.boards.values()
    address = board["links"]["board_url"]
    assert address.endswith(f"/board/{board['id']}")
    told = f"The board, honeycomb_board of infra/environments.py: {address}"
    assert [each.out.splitlines()[-1] for each in (made, again, renamed, planned)] == [told] * 4


@pytest.mark.parametrize("links", [None, {}, "https://elsewhere.example"])
def test_a_board_without_an_address_is_kept_all_the_same(rig: Rig, links: object) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    board["links"] = links

    outcome = rig.run()

    assert (outcome.code, "The board" in outcome.out) == (0, False)


def test_a_second_run_leaves_everything_alone_and_writes_nothing(rig: Rig) -> None:
    rig.run()
    before = copy.deepcopy(rig.environment)

    outcome = rig.run()

    assert outcome.code == 0
    assert rig.environment.writes == before.writes
    assert not [outcome.lines(verb) for verb in ("create", "change", "retire", "wait") if outcome.lines(verb)]
    assert "Nothing to do." in outcome.out


def test_a_plan_says_what_would_be_done_and_does_nothing(rig: Rig) -> None:
    planned = rig.run("--plan")

    assert rig.environment.writes == []
    done = rig.run()
    assert planned.lines("create") == done.lines("create") != []


def test_a_changed_query_is_made_anew_and_its_board_shows_the_new_one(rig: Rig) -> None:
    rig.run()
    [before, *others_before] = rig.panels()
    rig.edit("queries/latency-by-user.json", ask_something_else)

    outcome = rig.run()

    assert outcome.lines("change") == [
        "query latency-by-user: it asks something else, so it is made anew",
        "board Cruddur: its panels",
    ]
    [after, *others_after] = rig.panels()
    assert others_after == others_before
    assert FASTER in rig.environment.queries[after["query_panel"]["query_id"]]["calculations"]
    assert after["position"] == before["position"]
    assert rig.writes_of() == []


def test_the_query_that_was_before_keeps_its_annotation_under_a_name_that_says_so(rig: Rig) -> None:
    rig.run()
    old = rig.panels()[0]["query_panel"]
    rig.edit("queries/latency-by-user.json", ask_something_else)

    assert len(rig.run().lines("retire")) == 1

    annotation = rig.environment.annotations[old["query_annotation_id"]]
    assert annotation["name"] == "Cruddur: latency by user (superseded)"
    assert annotation["query_id"] == old["query_id"]


def test_a_query_that_is_changed_back_is_found_again(rig: Rig) -> None:
    rig.run()
    first = rig.panels()
    rig.edit("queries/latency-by-user.json", ask_something_else)
    rig.run()
    rig.edit("queries/latency-by-user.json", lambda document: document["query"]["calculations"].pop())

    assert not [line for line in rig.writes_of() if line.startswith("POST")]

    assert rig.panels() == first
    names = [each["name"] for each in rig.environment.annotations.values() if "latency by user" in each["name"]]
    assert names == ["Cruddur: latency by user", "Cruddur: latency by user (superseded)"]
    assert rig.writes_of() == []


def test_a_changed_name_is_changed_in_place(rig: Rig) -> None:
    rig.run()
    rig.edit("queries/latency-by-user.json", lambda document: document.update(name="Cruddur: who waits"))

    [write] = rig.writes_of()

    assert write.startswith("PUT /1/query_annotations/backend-flask/")
    assert rig.writes_of() == []


def test_a_trigger_follows_its_query(rig: Rig) -> None:
    rig.run()
    rig.edit("queries/slow-requests.json", lambda document: document["query"].update(time_range=600))

    assert "trigger slow-requests: its query" in rig.run().lines("change")

    [trigger] = [each for each in rig.environment.triggers.values() if "slow" in each["name"]]
    assert trigger["query"]["time_range"] == 600
    assert rig.writes_of() == []


def test_a_query_waits_for_its_columns_and_the_rest_is_made(rig: Rig) -> None:
    backend = set(rig.environment.datasets["backend-flask"] or ())
    rig.environment.datasets = {**rig.environment.datasets, "backend-flask": backend - {"error.type"}}

    outcome = rig.run()

    assert outcome.code == 1
    assert outcome.lines("wait") == ["query errors-by-route: no span in backend-flask had error.type yet"]
    assert "have a request fail, and run make honeycomb again" in outcome.err
    assert len(rig.panels()) == 4
    rig.environment.datasets = {**rig.environment.datasets, "backend-flask": backend}
    assert rig.run().code == 0
    assert len(rig.panels()) == 5


def test_where_nothing_was_ever_sent_everything_waits_and_nothing_is_made(rig: Rig) -> None:
    rig.environment.datasets = {}

    outcome = rig.run()

    assert outcome.code == 1
    assert "query latency-by-user: nothing was ever sent to the dataset backend-flask" in outcome.lines("wait")
    assert "open the service's page" in outcome.err
    assert rig.environment.writes == []


def test_the_command_itself_does_all_this(rig: Rig) -> None:
    command = [sys.executable, "-m", "operations.honeycomb", "--plan"]

    done = subprocess.run(
        command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Honeycomb: environment Local of team Cruddur\n  create  query    errors-by-route\n")
    assert rig.environment.writes == []
