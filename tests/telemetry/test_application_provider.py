"""An application that sets up OpenTelemetry itself keeps its own traces, and its spans are in these traces too."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.telemetry.instrumentations.programs import run

PREAMBLE: Final = """
import logging
from opentelemetry import trace
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from flask import Flask
from flask_onetrace import init_app, job, span
from flask_onetrace.settings import Settings
from tests.telemetry.tracing import SpanRecorder

warnings, exporter = [], InMemorySpanExporter()
logging.getLogger().addHandler(handler := logging.Handler(logging.WARNING))
handler.emit = lambda record: warnings.append(record.getMessage())

def set_provider(**options):
    provider = TracerProvider(**options)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

def set_vendors_provider():
    class Provider(trace.NoOpTracerProvider):
        pass
    trace.set_tracer_provider(Provider())

def instrument():
    FlaskInstrumentor().instrument_app(app)

def instrument_requests():
    RequestsInstrumentor().instrument()

def observe():
    settings = Settings.from_env({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "LOG_CONSOLE": "false"})
    app.telemetry = init_app(app, settings)
    app.recorder = SpanRecorder(app)

app = Flask("shop")

@app.get("/view")
def view():
    trace.get_current_span().set_attribute("shop.of", "the view")
    with trace.get_tracer("shop").start_as_current_span("theirs") as theirs:
        theirs.set_attribute("items", 2)
        theirs.add_event("counted")
        with span("ours"):
            import requests
            try:
                requests.get("http://127.0.0.1:9")
            except requests.ConnectionError:
                pass
    return "shown"

def tree(spans):
    # The names of the spans from the innermost outwards, as each is the parent of the one before.
    by_id = {each.context.span_id: each for each in spans}
    parents = {each.parent.span_id for each in spans if each.parent}
    [inner] = [each for each in spans if each.context.span_id not in parents]
    names = []
    while inner is not None:
        names.append(inner.name)
        inner = by_id.get(inner.parent.span_id) if inner.parent else None
    return names

def request():
    with app.test_client().get("/view", buffered=True) as response:
        assert (response.status_code, response.data) == (200, b"shown")
        trace_id = response.headers["X-Trace-Id"]
    ours, theirs = app.recorder.take(), exporter.get_finished_spans()
    assert {f"{each.context.trace_id:032x}" for each in (*ours, *theirs)} == {trace_id}
    assert len(ours) == len({each.context.span_id for each in ours})
    return ours, theirs
"""
STEPS: Final = {
    "none": "observe()",
    "before": "set_provider()\nobserve()",
    "after": "observe()\nset_provider()",
    "instrumented, before": "set_provider()\ninstrument()\nobserve()",
    "instrumented, after": "observe()\nset_provider()\ninstrument()",
    "instrumented, none": "observe()\ninstrument()",
    "requests, before": "set_provider()\ninstrument_requests()\nobserve()",
}
RESULT: Final = """
ours, theirs = request()
[server] = [each for each in ours if each.kind is trace.SpanKind.SERVER]
copies = [each for each in ours if each.name == "theirs"]
finish({
    "ours": tree(ours),
    "theirs": sorted(each.name for each in theirs),
    "copies": [[dict(each.attributes), [event.name for event in each.events]] for each in copies],
    "server": server.attributes.get("shop.of"),
    "warnings": [each for each in warnings if "tracer provider" in each or "TracerProvider" in each],
})
"""


@pytest.mark.parametrize("steps", STEPS)
def test_both_have_the_spans_in_one_trace_whoever_comes_first(steps: str) -> None:
    result: dict[str, Any] = run(f"{PREAMBLE}\n{STEPS[steps]}\n{RESULT}")
    assert result["ours"] == ["GET", "ours", "theirs", "GET /view"]
    assert result["copies"] == [[{"items": 2}, ["counted"]]]
    theirs = {
        "theirs": "none" not in steps,
        "GET /view": "instrumented" in steps and "none" not in steps,
        "GET": "requests" in steps,
    }
    assert result["theirs"] == sorted(name for name, is_there in theirs.items() if is_there)
    # Where the instrumentation has a provider of the application's, the view's current span is its own.
    assert result["server"] == (None if steps in {"instrumented, before", "instrumented, after"} else "the view")
    expected = 0 if "none" in steps else 1
    assert [each.partition(":")[0] for each in result["warnings"]] == [
        "the application has set up a tracer provider of OpenTelemetry's itself, opentelemetry.sdk.trace.TracerProvider"
    ] * expected


def test_a_provider_that_samples_nothing_or_takes_no_processors_costs_us_no_span() -> None:
    for set_up in ("set_provider(sampler=ALWAYS_OFF)", "set_vendors_provider()"):
        program = (
            f"{PREAMBLE}\n{set_up}\nobserve()\nours, theirs = request()\nfinish([tree(ours), len(theirs), warnings])"
        )
        names, theirs, warnings = run(program)
        assert (names, theirs) == (["GET", "ours", "GET /view"], 0)
        assert len(warnings) == 1


def test_the_applications_own_spans_are_recorded_where_no_sink_takes_spans() -> None:
    program = """
set_provider()
instrument()
init_app(app, Settings.from_env({"LOG_CONSOLE": "false"}))
with app.test_client().get("/view", buffered=True) as response:
    trace_id = response.headers["X-Trace-Id"]
theirs = exporter.get_finished_spans()
ids = {f"{each.context.trace_id:032x}" for each in theirs}
with job("nightly"), trace.get_tracer("shop").start_as_current_span("in a job"):
    pass
finish([sorted(each.name for each in exporter.get_finished_spans()), ids == {trace_id}])
"""
    assert run(f"{PREAMBLE}\n{program}") == [["GET /view", "in a job", "theirs"], True]


def test_spans_of_the_applications_own_are_in_the_trace_of_a_job_and_alone_outside_of_both() -> None:
    program = """
set_provider()
observe()
shop = trace.get_tracer("shop")
with job("nightly"):
    with shop.start_as_current_span("outer"), shop.start_as_current_span("theirs"), span("ours"):
        pass
names = tree(app.recorder.take())
exporter.clear()
with shop.start_as_current_span("alone"):
    pass
finish([names, len(app.recorder.take()), len(exporter.get_finished_spans())])
"""
    assert run(PREAMBLE + program) == [["ours", "theirs", "outer", "nightly"], 0, 1]
