"""One request has the same trace id in all four back ends and in its response."""

from __future__ import annotations

import re
import time

import pytest
from flask import Flask

from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import OTHER_ROOT, PARENT, ROOT, TRACE, TRACEPARENT


def call(app: Flask, path: str, **headers: str) -> tuple[int, str]:
    with app.test_client().get(path, headers=headers, buffered=True) as response:
        return response.status_code, response.headers["X-Trace-Id"]


def test_a_failed_request_is_in_all_four_back_ends_under_one_trace_id(app: Flask, backends: FakeBackends) -> None:
    status, trace_id = call(app, "/api/fault")
    assert status == 500
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    lines = eventually(lambda: backends.lines_of(trace_id), 2)
    [item] = eventually(lambda: backends.items(trace_id), 1)
    assert span["name"] == "GET /api/fault"
    assert segment["fault"] is True
    assert [line["level"] for line in lines] == ["ERROR", "ERROR"]
    assert span["attributes"]["rollbar.uuid"] == segment["annotations"]["rollbar_uuid"] == item["uuid"]


def test_a_new_trace_id_has_the_format_that_x_ray_requires(app: Flask) -> None:
    _, trace_id = call(app, "/api/activities/home")
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id)
    assert abs(int(trace_id[:8], 16) - time.time()) < 60


@pytest.mark.parametrize(
    ("headers", "parent"),
    [
        pytest.param({"X-Amzn-Trace-Id": f"Root={ROOT}"}, None, id="the load balancer's root alone"),
        pytest.param({"X-Amzn-Trace-Id": f"Self=1-1-2;Root={ROOT}"}, None, id="self first"),
        pytest.param({"X-Amzn-Trace-Id": f"Root={ROOT};Parent={PARENT};Sampled=1"}, PARENT, id="a parent"),
        pytest.param({"traceparent": TRACEPARENT}, PARENT, id="traceparent"),
        pytest.param(
            {"traceparent": TRACEPARENT, "X-Amzn-Trace-Id": f"Root={OTHER_ROOT}"}, PARENT, id="traceparent wins"
        ),
    ],
)
def test_the_callers_trace_id_is_used_in_every_back_end(
    app: Flask, backends: FakeBackends, headers: dict[str, str], parent: str | None
) -> None:
    status, trace_id = call(app, "/api/activities/home", **headers)
    assert (status, trace_id) == (200, TRACE)
    spans = eventually(lambda: backends.spans(trace_id), 2)
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    [line] = eventually(lambda: backends.lines_of(trace_id), 1)
    server = next(span for span in spans if span["kind"] == "server")
    assert server["parent_span_id"] == parent
    assert segment.get("parent_id") == parent
    assert line["span_id"] == server["span_id"] == segment["id"]


def test_the_load_balancers_trace_id_becomes_an_attribute_when_traceparent_wins(
    app: Flask, backends: FakeBackends
) -> None:
    headers = {"traceparent": TRACEPARENT, "X-Amzn-Trace-Id": f"Root={OTHER_ROOT}"}
    _, trace_id = call(app, "/api/health-check", **headers)
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert span["attributes"]["aws.alb.trace_id"] == OTHER_ROOT


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Root=",
        "Root=1-5759e988-bd862e3fe1be46a99427279",
        "Root=1-5759E988-BD862E3FE1BE46A994272793",
        "Root=1-00000000-000000000000000000000000",
        "x" * 8192,
        "Root=1-5759e988-bd862e3fe1be46a99427279\xe9",
    ],
)
def test_a_malformed_header_yields_a_new_trace_id(app: Flask, header: str) -> None:
    environ = {"HTTP_X_AMZN_TRACE_ID": header, "HTTP_TRACEPARENT": header}
    with app.test_client().get("/api/health-check", environ_overrides=environ, buffered=True) as response:
        assert response.status_code == 200
        assert response.headers["X-Trace-Id"] != TRACE


def test_the_response_names_its_server_span(app: Flask, backends: FakeBackends) -> None:
    with app.test_client().get("/api/health-check", buffered=True) as response:
        version, trace_id, span_id, flags = response.headers["traceresponse"].split("-")
    [span] = eventually(lambda: backends.spans(trace_id), 1)
    assert (version, span_id, flags) == ("00", span["span_id"], "03")


def test_an_error_response_is_json_with_the_trace_id(app: Flask) -> None:
    for path, status in (("/nope", 404), ("/api/activities/search", 422), ("/api/fault", 500)):
        with app.test_client().get(path, buffered=True) as response:
            assert response.status_code == status
            assert response.json is not None
            assert response.json["error"]["status"] == status
            assert response.json["trace_id"] == response.headers["X-Trace-Id"]


def test_a_405_response_lists_the_allowed_methods(app: Flask) -> None:
    with app.test_client().post("/api/activities/home", buffered=True) as response:
        assert response.status_code == 405
        assert "GET" in response.headers["Allow"]


def test_two_apps_in_one_process_export_separately(make_app: AppFactory, backends: FakeBackends) -> None:
    exporting = make_app(backends.environment)
    silent = make_app({"LOG_CONSOLE": "false", "FAULT_ROUTES": "true"})
    _, exported = call(exporting, "/api/activities/notifications")
    _, unexported = call(silent, "/api/fault")
    assert eventually(lambda: backends.lines_of(exported), 2)
    assert eventually(lambda: backends.segments_of(exported), 1)
    assert backends.lines_of(unexported) == backends.segments_of(unexported) == backends.spans(unexported) == []
    assert backends.items(unexported) == []
