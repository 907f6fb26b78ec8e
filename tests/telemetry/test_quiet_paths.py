"""A health check that succeeds has no access line; one that fails keeps its line and its trace."""

from __future__ import annotations

import pytest
from flask import Flask, Response

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id

HEALTH, HOME = "/api/health-check", "/api/activities/home"


def paths_with_a_line(backends: FakeBackends) -> list[str]:
    return [line["path"] for line in backends.logs.lines if line["logger"] == "flask_onetrace.access"]


@pytest.mark.parametrize("path", [HEALTH, f"{HEALTH}?detail"])
def test_a_successful_health_check_has_a_span_and_a_segment_and_no_line(
    path: str, app: Flask, backends: FakeBackends
) -> None:
    trace_id = get_trace_id(app, path)
    other = get_trace_id(app, HOME)
    eventually(lambda: backends.lines_of(other), 1)
    assert paths_with_a_line(backends) == [HOME]
    assert [each["name"] for each in eventually(lambda: backends.spans(trace_id), 1)] == [f"GET {HEALTH}"]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_failing_health_check_keeps_its_line_and_its_trace(
    status: int, make_app: AppFactory, backends: FakeBackends
) -> None:
    rule = '{"RuleName":"none","FixedRate":0,"ReservoirSize":0}'
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": rule})

    @app.before_request
    def fail() -> Response:
        return Response(status=status)

    trace_id = get_trace_id(app, HEALTH, status)
    [line] = eventually(lambda: backends.lines_of(trace_id), 1)
    assert (line["path"], line["status"], line["level"]) == (HEALTH, status, "ERROR" if status >= 500 else "INFO")
    if status >= 500:  # the rule samples none: tail sampling keeps what failed
        assert eventually(lambda: backends.spans(trace_id), 1)


def test_a_path_that_only_begins_like_the_health_check_has_a_line(app: Flask, backends: FakeBackends) -> None:
    trace_id = get_trace_id(app, f"{HEALTH}/", 404)
    assert eventually(lambda: backends.lines_of(trace_id), 1)
