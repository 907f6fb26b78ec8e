"""The service's spans behave as those of OpenTelemetry's SDK: each scenario runs on both, and all is compared."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, Tracer

from flask_onetrace.telemetry import ids
from flask_onetrace.telemetry.sampling.trace_state import sampling_trace_state
from flask_onetrace.telemetry.spans.tracer import AppTracerProvider, Root, RootArguments, continue_trace

ELSEWHERE = SpanContext(0x5759E988BD862E3FE1BE46A994272793, 0x53995C3F42CD8AD8, True, TraceFlags(1))  # noqa: FBT003 - the API's own order
RESOURCE = Resource({"service.name": "Backend-Flask"})
LIMITS = {
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3",
    "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
    "OTEL_SPAN_LINK_COUNT_LIMIT": "1",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "5",
}
Scenario = Callable[[Tracer], None]


class RecordingProcessor(SpanProcessor):
    """Record the started and ended spans."""

    def __init__(self) -> None:
        self.ended: list[ReadableSpan] = []
        self.started: list[str] = []

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the interface's signature
        self.started.append(f"{span.name} {dict(span.attributes or {})} {len(span.links)}")

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)


def ours() -> AppTracerProvider:
    def decide_root(arguments: RootArguments) -> tuple[Root, None]:
        if arguments.parent.is_valid:
            return continue_trace(arguments.parent), None
        state = sampling_trace_state(rate=1, sampled=True)
        return Root(ids.new_trace_id(), recorded=True, random=False, trace_state=state), None

    return AppTracerProvider(RESOURCE, decide_root)


def stock() -> TracerProvider:
    return TracerProvider(resource=RESOURCE, shutdown_on_exit=False)


def record(provider: AppTracerProvider | TracerProvider, scenario: Scenario) -> tuple[list[dict[str, Any]], list[str]]:
    recorder = RecordingProcessor()
    provider.add_span_processor(recorder)
    scenario(provider.get_tracer("tests", "1.2", "https://example.com/schema", {"a": 1}))
    return [plain(span) for span in recorder.ended], recorder.started


def plain(span: ReadableSpan) -> dict[str, Any]:
    """Return all of a span but what varies from run to run."""
    document: dict[str, Any] = json.loads(span.to_json())
    for varying in ("start_time", "end_time", "context"):
        document.pop(varying)
    for event in document["events"]:
        event.pop("timestamp")
        event["attributes"].pop("exception.stacktrace", None)
    context = span.get_span_context()
    assert context is not None
    assert span.end_time is not None
    assert span.start_time is not None
    scope = span.instrumentation_scope
    return document | {
        "parent_id": None if span.parent is None else "set",
        "remote": span.parent.is_remote if span.parent else None,
        "dropped": [span.dropped_attributes, span.dropped_events, span.dropped_links],
        "scope": scope and (scope.name, scope.version, scope.schema_url, dict(scope.attributes or {})),
        "flags": int(context.trace_flags) & 1,
        "lasted": span.end_time >= span.start_time,
        "types": {key: type(value).__name__ for key, value in (span.attributes or {}).items()},
    }


def many_attributes(tracer: Tracer) -> None:
    with tracer.start_as_current_span("attributes", attributes={"first": "one", "list": ["a", "b"]}) as span:
        span.set_attributes({"text": "longer than five", "number": 3, "half": 0.5, "yes": True})
        span.set_attribute("mixed", [1, "a"])
        span.set_attribute("object", object)  # type: ignore[arg-type]  # as untyped code may
        span.set_attribute("none", None)
        span.set_attribute("", "no name")
        span.set_attribute("text", "again")


def nested(tracer: Tracer) -> None:
    with tracer.start_as_current_span("outer", kind=SpanKind.CLIENT) as outer:
        with tracer.start_as_current_span("inner"):
            tracer.start_span("innermost").end()
        tracer.start_span("elsewhere", context=Context()).end()
        outer.update_name("renamed")


def events_and_links(tracer: Tracer) -> None:
    with tracer.start_as_current_span("events", links=[Link(ELSEWHERE, {"why": "because"})]) as span:
        for number in range(4):
            span.add_event(f"event {number}", {"number": number, "text": "longer than five"})
        span.add_link(ELSEWHERE, {"second": 2})


def statuses(tracer: Tracer) -> None:
    with tracer.start_as_current_span("ok") as span:
        span.set_status(StatusCode.ERROR, "no")
        span.set_status(StatusCode.OK)
        span.set_status(StatusCode.ERROR, "too late")
    with tracer.start_as_current_span("error") as span:
        span.set_status(Status(StatusCode.ERROR, "yes"))
        span.set_status(StatusCode.UNSET)


def raising(tracer: Tracer) -> None:
    choices: list[dict[str, Any]] = [{}, {"record_exception": False}, {"set_status_on_exception": False}]
    for options in choices:
        with pytest.raises(KeyError), tracer.start_as_current_span(f"raising {options}", **options):
            raise KeyError("what")
    with pytest.raises(KeyboardInterrupt), tracer.start_as_current_span("interrupted"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="by hand"), tracer.start_span("by hand", record_exception=False):
        raise ValueError("by hand")


def decorated(tracer: Tracer) -> None:
    @tracer.start_as_current_span("called")
    def twice(number: int) -> int:
        trace.get_current_span().set_attribute("number", number)
        return number * 2

    @tracer.start_as_current_span("awaited")
    async def slowly(number: int) -> int:
        await asyncio.sleep(0)
        return twice(number)

    assert (twice(2), twice(3), asyncio.run(slowly(4))) == (4, 6, 8)


def ended_already(tracer: Tracer) -> None:
    span = tracer.start_span("ended", start_time=1_000_000_000)
    span.end(2_000_000_000)
    span.end()
    span.set_attribute("late", 1)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR)
    assert not span.is_recording()


def left_open(tracer: Tracer) -> None:
    with tracer.start_as_current_span("left open", end_on_exit=False) as span:
        assert trace.get_current_span() is span
    assert trace.get_current_span() is not span
    assert span.is_recording()
    span.end()


def called_from_elsewhere(tracer: Tracer) -> None:
    token = attach(trace.set_span_in_context(trace.NonRecordingSpan(ELSEWHERE), Context()))
    try:
        with tracer.start_as_current_span("joined") as span:
            assert span.get_span_context().trace_id == ELSEWHERE.trace_id
    finally:
        detach(token)


@pytest.fixture
def _outside_any_trace() -> Iterator[None]:
    token = attach(Context())
    yield
    detach(token)


@pytest.mark.usefixtures("_outside_any_trace")
@pytest.mark.filterwarnings("ignore:You should use InstrumentationScope")
@pytest.mark.parametrize(
    "limits", [{}, LIMITS, {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3"}], ids=["default", "all limits", "attribute limit"]
)
@pytest.mark.parametrize(
    "scenario",
    [
        many_attributes,
        nested,
        events_and_links,
        statuses,
        raising,
        decorated,
        ended_already,
        left_open,
        called_from_elsewhere,
    ],
)
def test_a_span_equals_the_sdks_span(
    scenario: Scenario, limits: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in limits.items():
        monkeypatch.setenv(name, value)
    caplog.set_level(logging.CRITICAL)  # both warn of the same misuse, in different words
    assert record(ours(), scenario) == record(stock(), scenario)


class FailingProcessor(SpanProcessor):
    """Raise in every call."""

    def on_start(self, *_: object, **__: object) -> None:
        raise RuntimeError("on_start is broken")

    def on_end(self, span: ReadableSpan) -> None:  # noqa: ARG002 - the interface's signature
        raise RuntimeError("on_end is broken")


def test_a_failing_processor_affects_neither_the_handler_nor_later_processors(
    caplog: pytest.LogCaptureFixture,
) -> None:
    provider, recorder = ours(), RecordingProcessor()
    provider.add_span_processor(FailingProcessor())
    provider.add_span_processor(recorder)
    with provider.get_tracer("tests").start_as_current_span("fine"):
        pass
    assert [span.name for span in recorder.ended] == ["fine"]
    assert [record.getMessage() for record in caplog.records] == ["a span processor raised an exception"] * 2
