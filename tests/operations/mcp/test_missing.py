"""Why a place has nothing: by the trace, and by the causes that the deployment shows."""

from __future__ import annotations

import json

import pytest

from operations.mcp.missing import explain
from operations.traces.document import Json, Place
from operations.traces.find import find_trace
from tests.operations.traces.conftest import Places, emulated_aws, places
from tests.operations.traces.live import ALL, ProbeResult

__all__ = ["emulated_aws", "places"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def explained(places: Places, sent: ProbeResult, place: Place | None = None) -> Json:
    document = explain(places.deployment, find_trace(places.deployment, sent.trace_id), place)
    json.dumps(document)
    return document


def test_a_trace_that_every_place_has_lacks_nothing(places: Places) -> None:
    document = explained(places, ProbeResult(age=300, status=500).to(places, *ALL))
    assert [content["absence"] for content in document["places"].values()] == [None] * 4
    assert document["causes"] == []


def test_a_placeholder_is_a_cause_with_its_remedy_and_runbook_entry(places: Places) -> None:
    places.sinks["honeycomb"] = {"on": False, "because": "HONEYCOMB_API_KEY still holds its placeholder"}
    document = explained(places, ProbeResult(age=300).to(places, "cloudwatch", "xray"), Place.HONEYCOMB)
    assert list(document["places"]) == ["honeycomb"]
    assert document["places"]["honeycomb"]["absence"]["reason"] == "placeholder-key"
    [cause] = document["causes"]
    assert "make secrets" in cause["remedy"]
    assert cause["runbook"].startswith("docs/runbook.md#")


def test_causes_of_another_place_are_not_named(places: Places) -> None:
    places.sinks["honeycomb"] = {"on": False, "because": "HONEYCOMB_API_KEY still holds its placeholder"}
    document = explained(places, ProbeResult(age=300).to(places, "cloudwatch", "xray"), Place.ROLLBAR)
    assert document["places"]["rollbar"]["absence"]["reason"] == "no-error"
    assert document["causes"] == []


def test_what_cannot_be_read_is_named(places: Places) -> None:
    document = explained(places, ProbeResult(age=300).to(places, "cloudwatch"), Place.XRAY)
    assert document["places"]["xray"]["items"] == 0
    assert all(": " in each for each in document["unchecked"])
