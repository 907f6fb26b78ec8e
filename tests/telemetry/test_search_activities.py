"""The search shows the service's own telemetry calls: what they say is in X-Ray and in Honeycomb."""

from __future__ import annotations

from flask import Flask

from tests.telemetry.backends import Observatory, eventually
from tests.telemetry.segments import ask, segment_of


def test_a_span_and_its_annotations_are_in_both(app: Flask, observatory: Observatory) -> None:
    trace_id = ask(app, "/api/activities/search?term=prune+juice")
    expected = {"search_term": "prune juice", "search_results": 1}
    [child] = segment_of(observatory, trace_id)["subsegments"]
    assert (child["name"], child["annotations"]) == ("search_activities", expected)
    assert "metadata" not in child
    spans = {span["name"]: span for span in eventually(lambda: observatory.spans(trace_id), 2)}
    assert spans["search_activities"]["attributes"] == expected
