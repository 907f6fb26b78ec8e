"""Each sink is enabled by its own settings, in all sixteen combinations."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import TRACE, TRACEPARENT

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
SUBSETS = [subset for size in range(len(SINKS) + 1) for subset in combinations(SINKS, size)]


@pytest.mark.parametrize("subset", SUBSETS, ids=lambda subset: "+".join(subset) or "none")
def test_exactly_the_configured_sinks_receive_data(
    subset: tuple[str, ...], backends: FakeBackends, make_app: AppFactory
) -> None:
    environment = {"LOG_CONSOLE": "false", "FAULT_ROUTES": "true"}
    for sink in subset:
        environment |= getattr(backends, sink)
    app = make_app(environment)

    client = app.test_client()
    statuses = {}
    for path in ("/api/activities/home", "/api/activities/notifications", "/rollbar/test", "/api/fault"):
        with client.get(path, buffered=True) as response:
            statuses[path] = response.status_code
            trace_id = response.headers["X-Trace-Id"]
    assert statuses == {
        "/api/activities/home": 200,
        "/api/activities/notifications": 200,
        "/rollbar/test": 200,
        "/api/fault": 500,
    }
    with client.get("/api/health-check", buffered=True) as response:
        assert response.json is not None
        enabled = {name for name, sink in response.json["sinks"].items() if sink["on"]}
    # With Honeycomb on, the browser's spans are relayed to it.
    assert enabled == set(subset) | ({"browser"} if "honeycomb" in subset else set())

    assert app.extensions["onetrace"].flush(10)
    documents_by_sink: dict[str, list[Document]] = {
        "honeycomb": backends.spans(trace_id),
        "xray": eventually(lambda: backends.segments_of(trace_id), 1 if "xray" in subset else 0),
        "cloudwatch": backends.lines_of(trace_id),
        "rollbar": backends.items(trace_id),
    }
    assert {name for name, documents in documents_by_sink.items() if documents} == set(subset)


def test_opentelemetrys_own_switch_leaves_logs_error_items_and_the_trace_id(
    backends: FakeBackends, make_app: AppFactory
) -> None:
    app = make_app({**backends.environment, "OTEL_SDK_DISABLED": "true", "FAULT_ROUTES": "true"})
    client = app.test_client()
    with client.get("/api/fault", headers={"traceparent": TRACEPARENT}, buffered=True) as response:
        assert response.headers["X-Trace-Id"] == TRACE
    with client.get("/api/health-check", buffered=True) as response:
        assert response.json is not None
        off = {
            name for name, sink in response.json["sinks"].items() if sink.get("because") == "OTEL_SDK_DISABLED is true"
        }
    assert off == {"honeycomb", "browser", "xray"}
    assert app.extensions["onetrace"].flush(10)
    assert backends.spans(TRACE) == backends.segments == []
    assert len(backends.items(TRACE)) == 1
    assert len(backends.lines_of(TRACE)) == 2


def test_a_placeholder_secret_disables_its_sink_and_names_the_remedy(
    backends: FakeBackends, make_app: AppFactory
) -> None:
    placeholders = {"HONEYCOMB_API_KEY": "replace-me", "ROLLBAR_ACCESS_TOKEN": "replace-me"}
    app = make_app({**backends.environment, **placeholders})
    with app.test_client().get("/api/health-check", buffered=True) as response:
        assert response.json is not None
        sinks = response.json["sinks"]
    for name, variable in (("honeycomb", "HONEYCOMB_API_KEY"), ("rollbar", "ROLLBAR_ACCESS_TOKEN")):
        assert sinks[name] == {"on": False, "because": f"{variable} still holds its placeholder: run `make secrets`"}


def test_honeycomb_is_off_without_a_key(make_app: AppFactory) -> None:
    app = make_app({"OTEL_EXPORTER_OTLP_ENDPOINT": "https://api.eu1.honeycomb.io", "LOG_CONSOLE": "false"})
    with app.test_client().get("/api/health-check", buffered=True) as response:
        assert response.json is not None
        assert response.json["sinks"]["honeycomb"] == {"on": False, "because": "HONEYCOMB_API_KEY is not set"}


def test_spans_are_exported_as_protobuf_when_configured(backends: FakeBackends, make_app: AppFactory) -> None:
    app = make_app({**backends.honeycomb, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "LOG_CONSOLE": "false"})
    with app.test_client().get("/api/activities/home", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    spans = eventually(lambda: backends.spans(trace_id), 2)
    assert {span["name"] for span in spans} == {"GET /api/activities/home", "HomeActivities-MockData"}


def test_spans_and_log_lines_are_printed_when_configured(
    make_app: AppFactory, capfd: pytest.CaptureFixture[str]
) -> None:
    app = make_app({"OTEL_TRACES_EXPORTER": "console", "LOG_CONSOLE": "true"})
    with app.test_client().get("/api/activities/home", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    assert app.extensions["onetrace"].flush(5)
    output = capfd.readouterr().err
    assert f'"trace_id": "0x{trace_id}"' in output
    assert f'"trace_id":"{trace_id}"' in output
