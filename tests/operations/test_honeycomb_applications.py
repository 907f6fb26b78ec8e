"""Two applications in one Honeycomb environment each have their own queries, triggers and board."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from tests.operations.honeycomb_rig import Rig, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

BOOKINGS = Path(__file__).parents[1] / "infra" / "bookings"


@pytest.fixture
def two(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    """The environment of the sample application, with spans of another one, which is selected."""
    rig.run()
    datasets = rig.environment.datasets
    columns = set[str]().union(*(each or () for each in datasets.values()))
    rig.environment.datasets = {**datasets, "bookings-api": columns, "bookings-api-frontend": columns}
    monkeypatch.setenv("APP", str(BOOKINGS))
    return rig


def test_another_application_gets_everything_under_its_own_name(two: Rig) -> None:
    before = copy.deepcopy((two.environment.boards, two.environment.annotations, two.environment.triggers))
    outcome = two.run()
    assert outcome.code == 0, outcome
    assert not outcome.lines("change")
    for things, old in zip(
        (two.environment.boards, two.environment.annotations, two.environment.triggers), before, strict=True
    ):
        new = {key: each for key, each in things.items() if key not in old}
        assert len(new) == len(old)
        assert all(each["name"].startswith("Bookings") for each in new.values())
        assert {key: things[key] for key in old} == old


def test_neither_run_changes_what_the_other_created(two: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    two.run()
    assert two.writes_of() == []
    monkeypatch.delenv("APP")
    assert two.writes_of() == []


def test_its_queries_are_of_its_own_services_and_leave_out_its_own_health_check(two: Rig) -> None:
    two.run()
    own = [each for each in two.environment.annotations.values() if each["name"].startswith("Bookings: ")]
    queries = str([two.environment.queries[each["query_id"]] for each in own])
    assert "'/healthz'" in queries
    assert "['bookings-api', 'bookings-api-frontend']" in queries
    assert "Backend-Flask" not in queries
    assert "{{" not in queries


def test_what_earlier_runs_created_is_adopted_by_the_application_that_it_is_named_after(rig: Rig) -> None:
    rig.run()
    things = [
        *rig.environment.boards.values(),
        *rig.environment.annotations.values(),
        *rig.environment.triggers.values(),
    ]
    for each in things:
        each["description"] = each["description"].replace("honeycomb: cruddur/", "honeycomb: ")
    outcome = rig.run()
    assert not outcome.lines("create")
    assert len(outcome.lines("change")) == len(things)
    assert rig.writes_of() == []


def test_an_unknown_placeholder_is_refused_with_those_that_there_are(rig: Rig) -> None:
    rig.edit("queries/recent-traces.json", lambda document: document.update(dataset="{{team}}"))
    outcome = rig.run()
    assert outcome.code == 1
    assert "recent-traces.json: {{team}} is no placeholder. Use one of application, service_name" in outcome.err
