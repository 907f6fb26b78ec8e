"""The fake runs the declared Honeycomb queries over the spans that it received."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from local.fakes import honeycomb
from local.fakes.honeycomb.calculated_fields import ExpressionError, compile_expression
from local.workspace.folders import CHECKOUT
from operations.honeycomb.declarations import load
from tests.local.fakes.conftest import Serve
from tests.sample import names_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

Rows = list[dict[str, Any]]
Ask = Callable[..., Rows]
_numbers = itertools.count(1)
TRACE = "6553f1000123456789abcdef0123456{}"
HOME, USER = "/api/activities/home", "/api/activities/@<string:handle>"


def typed(value: object) -> dict[str, object]:
    return {"stringValue": value} if isinstance(value, str) else {"doubleValue": value}


def pairs(attributes: dict[str, object]) -> list[dict[str, object]]:
    return [{"key": key, "value": typed(value)} for key, value in attributes.items()]


def span(
    name: str, kind: int, milliseconds: int, *, trace: int = 0, parent: str = "", age: int = 1, **more: object
) -> Any:  # noqa: ANN401 - OTLP's JSON
    start = (int(time.time()) - age) * 1_000_000_000
    return {
        "traceId": TRACE.format(trace),
        "spanId": f"{next(_numbers):016x}",
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + milliseconds * 1_000_000),
        "attributes": pairs({key.replace("__", "."): value for key, value in more.items()}),
    }


def server_span(route: str, milliseconds: int, **more: Any) -> Any:  # noqa: ANN401 - as above
    more = {"http__route": route, "http__response__status_code": 200, **more}
    return span(f"GET {route}", 2, milliseconds, **more)


def backend() -> list[Any]:
    """Return the backend's spans, all recent but one."""
    return [
        *(server_span(HOME, number, user__id="andrew") for number in range(1, 101)),
        server_span(HOME, 7, user__id="worf", trace=1, age=0),
        server_span(USER, 9, parent="00f067aa0ba902b7"),
        server_span("/api/fault", 3, http__response__status_code=500, error__type="DeliberateError"),
        server_span("/api/health-check", 2),
        server_span(HOME, 5000, user__id="andrew", age=90_000),
    ]


def frontend() -> list[Any]:
    """Return the page's spans, all recent."""
    return [
        span(f"GET {HOME}", 3, 40, url__template=HOME),
        span("GET /api/activities/@{handle}", 3, 60, url__template="/api/activities/@{handle}"),
        span("click home", 1, 45, trace=2, age=0),
        span("web-vital LCP", 1, 0, web_vital__name="LCP", web_vital__value=812.5, page__route="/"),
        span("web-vital CLS", 1, 0, web_vital__name="CLS", web_vital__value=0.01, page__route="/"),
    ]


@pytest.fixture
def ask(serve: Serve) -> Ask:
    url = serve(honeycomb.create_app())
    spans_by_service = {"Backend-Flask": backend(), "Cruddur-Frontend": frontend()}
    export = {
        "resourceSpans": [
            {"resource": {"attributes": pairs({"service.name": name})}, "scopeSpans": [{"spans": spans}]}
            for name, spans in spans_by_service.items()
        ]
    }
    response = requests.post(f"{url}/v1/traces", json=export, headers={"x-honeycomb-team": "fake-key"}, timeout=60)
    assert response.status_code == 200

    def run(query: dict[str, Any], dataset: str = "backend-flask", *, status: int = 200) -> Rows:
        response = requests.post(f"{url}/queries/{dataset}", json=query, timeout=60)
        assert response.status_code == status, response.text
        rows: Rows = response.json()
        return rows

    return run


def declaration(name: str) -> tuple[dict[str, Any], str]:
    query = load(CHECKOUT / "honeycomb", names_of("local")).queries[name]
    return query.specification, query.dataset


def test_latency_by_user_covers_the_last_day_slowest_first(ask: Ask) -> None:
    rows = ask(*declaration("latency-by-user"))
    assert rows[0] == {
        "user.id": "andrew",
        "P50(duration_ms)": 50.0,
        "P95(duration_ms)": 95.0,
        "P99(duration_ms)": 99.0,
        "COUNT": 100,
    }
    assert [(row["user.id"], row["COUNT"]) for row in rows[1:]] == [(None, 2), ("worf", 1)]


def test_errors_by_route(ask: Ask) -> None:
    assert ask(*declaration("errors-by-route")) == [
        {"http.route": "/api/fault", "http.response.status_code": 500, "error.type": "DeliberateError", "COUNT": 1}
    ]


def test_browser_and_backend_latency_share_a_normalized_route(ask: Ask) -> None:
    rows = ask(*declaration("latency-browser-and-backend"))
    assert {(row["route"], row["service.name"]): row["P95(duration_ms)"] for row in rows} == {
        (HOME, "Backend-Flask"): 95.0,
        (HOME, "Cruddur-Frontend"): 40.0,
        ("/api/activities/@", "Backend-Flask"): 9.0,
        ("/api/activities/@", "Cruddur-Frontend"): 60.0,
        ("/api/fault", "Backend-Flask"): 3.0,
    }
    assert [row["route"] for row in rows] == sorted(row["route"] for row in rows)


def test_recent_traces_are_root_spans_newest_first(ask: Ask) -> None:
    rows = ask(*declaration("recent-traces"))
    assert {rows[0]["name"], rows[1]["name"]} == {f"GET {HOME}", "click home"}
    assert {rows[0]["trace.trace_id"], rows[1]["trace.trace_id"]} == {TRACE.format(1), TRACE.format(2)}
    assert f"GET {USER}" not in {row["name"] for row in rows}


def test_web_vitals_by_page(ask: Ask) -> None:
    assert ask(*declaration("web-vitals-by-page")) == [
        {"page.route": "/", "web_vital.name": "CLS", "P75(web_vital.value)": 0.01, "COUNT": 1},
        {"page.route": "/", "web_vital.name": "LCP", "P75(web_vital.value)": 812.5, "COUNT": 1},
    ]


@pytest.mark.parametrize(
    ("name", "row"), [("server-errors", {"COUNT": 1}), ("slow-requests", {"P99(duration_ms)": 99.0})]
)
def test_trigger_queries_return_one_figure(name: str, row: dict[str, float], ask: Ask) -> None:
    assert ask(*declaration(name)) == [row]


def test_spans_are_weighted_by_their_sample_rate(serve: Serve) -> None:
    url = serve(honeycomb.create_app())
    spans = [server_span(HOME, 10, SampleRate=19.0), server_span(HOME, 100)]
    export = {
        "resourceSpans": [{"resource": {"attributes": pairs({"service.name": "S"})}, "scopeSpans": [{"spans": spans}]}]
    }
    requests.post(f"{url}/v1/traces", json=export, headers={"x-honeycomb-team": "fake-key"}, timeout=60)
    calculations = [
        {"op": "COUNT"},
        *({"op": op, "column": "duration_ms"} for op in ("SUM", "AVG", "P95", "P99", "MIN", "MAX")),
    ]

    [row] = requests.post(f"{url}/queries/s", json={"calculations": calculations}, timeout=60).json()

    assert row == {
        "COUNT": 20,
        "SUM(duration_ms)": 290.0,
        "AVG(duration_ms)": 14.5,
        "P95(duration_ms)": 10.0,
        "P99(duration_ms)": 100.0,
        "MIN(duration_ms)": 10.0,
        "MAX(duration_ms)": 100.0,
    }


@pytest.mark.parametrize(
    ("query", "feature"),
    [
        ({"havings": []}, "havings"),
        ({"calculations": [{"op": "HEATMAP", "column": "duration_ms"}]}, "HEATMAP"),
        ({"filters": [{"column": "name", "op": "contains", "value": "x"}]}, "contains"),
        ({"calculated_fields": [{"name": "x", "expression": "BUCKET($duration_ms, 10)"}]}, "BUCKET"),
        ({"calculated_fields": [{"name": "x", "expression": "COALESCE($a"}]}, "COALESCE($a"),
    ],
)
def test_unsupported_features_are_rejected_by_name(query: dict[str, Any], feature: str, ask: Ask) -> None:
    body: Any = ask(query, status=422)
    assert body["error"].startswith("not ")
    assert feature in body["error"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("COALESCE($none, $text)", "a/b"),
        ("COALESCE($none)", None),
        ("REG_VALUE($text, `^([a-z]+)/`)", "a"),
        ("REG_VALUE($text, `^(\\d+)`)", None),
        ("REG_VALUE($number, `(1)`)", None),
        ("EVENT_TIMESTAMP()", 1_764_000_000.9),
        ('"as it is"', "as it is"),
    ],
)
def test_a_calculated_field_is_computed_as_in_the_reference(expression: str, value: object) -> None:
    event = {"text": "a/b", "number": 12, "timestamp": 1_764_000_000.9}
    assert compile_expression(expression)(event) == value


def test_a_malformed_calculated_field_is_an_error() -> None:
    with pytest.raises(ExpressionError, match="not understood or not emulated"):
        compile_expression("$a +")
