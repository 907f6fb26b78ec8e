"""The search handler's own span and annotations reach X-Ray and Honeycomb."""

from __future__ import annotations

from flask import Flask

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.segments import get_trace_id, segment_of


def test_a_span_and_its_annotations_are_in_x_ray_and_honeycomb(app: Flask, backends: FakeBackends) -> None:
    trace_id = get_trace_id(app, "/api/activities/search?term=prune+juice")
    expected = {"search_term": "prune juice", "search_results": 1}
    [child] = segment_of(backends, trace_id)["subsegments"]
    assert (child["name"], child["annotations"]) == ("search_activities", expected)
    assert "metadata" not in child
    spans = {span["name"]: span for span in eventually(lambda: backends.spans(trace_id), 2)}
    assert spans["search_activities"]["attributes"] == expected
