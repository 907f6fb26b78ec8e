"""One run creates what is declared, a second changes nothing, and an edited declaration is applied."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from operations.honeycomb.__main__ import DECLARATIONS
from operations.honeycomb.declarations import load
from tests.operations.honeycomb_rig import P90, Rig, change_specification, rig
from tests.sample import names_of

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ROOT = Path(__file__).parents[2]


def test_a_first_run_creates_everything_that_is_declared(rig: Rig) -> None:
    outcome = rig.run()

    declared = load(DECLARATIONS, names_of("dev"))
    assert outcome.code == 0
    assert len(outcome.lines("create")) == len(declared.queries) + len(declared.triggers) + 1
    assert {each["name"] for each in rig.environment.annotations.values()} == {
        each.name for each in declared.queries.values()
    }
    assert {each["name"] for each in rig.environment.triggers.values()} == {
        each["name"] for each in declared.triggers.values()
    }
    assert [each["name"] for each in rig.environment.boards.values()] == [declared.board["name"]]


def test_the_board_shows_each_declared_query_under_its_name(rig: Rig) -> None:
    rig.run()

    annotations = [rig.environment.annotations[each["query_panel"]["query_annotation_id"]] for each in rig.panels()]
    assert [each["name"] for each in annotations] == [
        "Cruddur: latency by user",
        "Cruddur: recent traces",
        "Cruddur: browser and backend, p95 per route",
        "Cruddur: errors by route",
        "Cruddur: web vitals by page",
    ]
    assert [each["query_id"] for each in annotations] == [each["query_panel"]["query_id"] for each in rig.panels()]


def test_the_boards_url_is_printed_once_it_exists(rig: Rig) -> None:
    assert "Board (" not in rig.run("--plan").out
    first, second = rig.run(), rig.run()
    rig.edit("board.json", lambda document: document.update(name="Cruddur, renamed"))
    renamed, planned = rig.run(), rig.run("--plan")

    [board] = rig.environment.boards.values()
    url = board["links"]["board_url"]
    assert url.endswith(f"/board/{board['id']}")
    line = f"Board (honeycomb_board in infra/environments.py): {url}"
    assert [each.out.splitlines()[-1] for each in (first, second, renamed, planned)] == [line] * 4


@pytest.mark.parametrize("links", [None, {}, "https://elsewhere.example"])
def test_a_board_without_an_address_is_kept_all_the_same(rig: Rig, links: object) -> None:
    rig.run()
    [board] = rig.environment.boards.values()
    board["links"] = links

    outcome = rig.run()

    assert (outcome.code, "Board (" in outcome.out) == (0, False)


def test_a_second_run_writes_nothing(rig: Rig) -> None:
    rig.run()
    before = copy.deepcopy(rig.environment)

    outcome = rig.run()

    assert outcome.code == 0
    assert rig.environment.writes == before.writes
    assert not [outcome.lines(verb) for verb in ("create", "change", "retire", "wait") if outcome.lines(verb)]
    assert "Nothing to change." in outcome.out


def test_a_plan_prints_the_steps_and_writes_nothing(rig: Rig) -> None:
    planned = rig.run("--plan")

    assert rig.environment.writes == []
    applied = rig.run()
    assert planned.lines("create") == applied.lines("create") != []


def test_a_changed_query_becomes_a_new_one_and_its_board_shows_that(rig: Rig) -> None:
    rig.run()
    [before, *others_before] = rig.panels()
    rig.edit("queries/latency-by-user.json", change_specification)

    outcome = rig.run()

    assert outcome.lines("change") == [
        "query latency-by-user: its specification, as a new query",
        "board Cruddur: its panels",
    ]
    [after, *others_after] = rig.panels()
    assert others_after == others_before
    assert P90 in rig.environment.queries[after["query_panel"]["query_id"]]["calculations"]
    assert after["position"] == before["position"]
    assert rig.writes_of() == []


def test_the_old_query_keeps_its_annotation_named_as_superseded(rig: Rig) -> None:
    rig.run()
    old = rig.panels()[0]["query_panel"]
    rig.edit("queries/latency-by-user.json", change_specification)

    assert len(rig.run().lines("retire")) == 1

    annotation = rig.environment.annotations[old["query_annotation_id"]]
    assert annotation["name"] == "Cruddur: latency by user (superseded)"
    assert annotation["query_id"] == old["query_id"]


def test_a_query_that_is_changed_back_is_reused(rig: Rig) -> None:
    rig.run()
    first = rig.panels()
    rig.edit("queries/latency-by-user.json", change_specification)
    rig.run()
    rig.edit("queries/latency-by-user.json", lambda document: document["query"]["calculations"].pop())

    assert not [line for line in rig.writes_of() if line.startswith("POST")]

    assert rig.panels() == first
    names = [each["name"] for each in rig.environment.annotations.values() if "latency by user" in each["name"]]
    assert names == ["Cruddur: latency by user", "Cruddur: latency by user (superseded)"]
    assert rig.writes_of() == []


def test_a_new_name_is_applied_in_place(rig: Rig) -> None:
    rig.run()
    rig.edit("queries/latency-by-user.json", lambda document: document.update(name="Cruddur: slow for whom"))

    [write] = rig.writes_of()

    assert write.startswith("PUT /1/query_annotations/backend-flask/")
    assert rig.writes_of() == []


def test_a_trigger_uses_its_changed_query(rig: Rig) -> None:
    rig.run()
    rig.edit("queries/slow-requests.json", lambda document: document["query"].update(time_range=600))

    assert "trigger slow-requests: its query" in rig.run().lines("change")

    [trigger] = [each for each in rig.environment.triggers.values() if "slow" in each["name"]]
    assert trigger["query"]["time_range"] == 600
    assert rig.writes_of() == []


def test_a_query_waits_for_its_columns_and_the_rest_is_created(rig: Rig) -> None:
    backend = set(rig.environment.datasets["backend-flask"] or ())
    rig.environment.datasets = {**rig.environment.datasets, "backend-flask": backend - {"error.type"}}

    outcome = rig.run()

    assert outcome.code == 1
    assert outcome.lines("wait") == ["query errors-by-route: no span in backend-flask has error.type yet"]
    assert "make a request fail, then run make honeycomb again" in outcome.err
    assert len(rig.panels()) == 4
    rig.environment.datasets = {**rig.environment.datasets, "backend-flask": backend}
    assert rig.run().code == 0
    assert len(rig.panels()) == 5


def test_without_any_spans_everything_waits_and_nothing_is_created(rig: Rig) -> None:
    rig.environment.datasets = {}

    outcome = rig.run()

    assert outcome.code == 1
    assert "query latency-by-user: the dataset backend-flask has no spans yet" in outcome.lines("wait")
    assert "Open the service's page" in outcome.err
    assert rig.environment.writes == []


def test_the_command_runs_as_a_module(rig: Rig) -> None:
    command = [sys.executable, "-m", "operations.honeycomb", "--plan"]

    process = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"},  # as make sets it
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith(
        "Honeycomb: environment Local of team Cruddur\n  create  query    errors-by-route\n"
    )
    assert rig.environment.writes == []


def test_where_no_browser_spans_are_relayed_what_needs_them_is_left_out_and_nothing_waits(rig: Rig) -> None:
    rig.environment.datasets = {
        dataset: {*(columns or ())} - {"url.template"}
        for dataset, columns in rig.environment.datasets.items()
        if dataset != "cruddur-frontend"
    }
    outcome = rig.run("--environment", "prod")
    assert outcome.code == 0, outcome
    assert "Left out: what needs browser spans, which prod does not relay." in outcome.out
    names = {each["name"] for each in rig.environment.annotations.values()}
    assert "Cruddur: latency by user" in names
    assert not {"Cruddur: web vitals by page", "Cruddur: browser and backend, p95 per route"} & names
    assert len(rig.panels()) == 3
