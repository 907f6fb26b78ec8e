"""Turn the X-Ray SDK's subsegments into spans of the one tracer."""

from __future__ import annotations

import threading
from asyncio import _get_running_loop  # of its documented names the one that returns None without a loop
from typing import Any

from aws_xray_sdk import global_sdk_config
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.core.context import Context as SdkContext
from aws_xray_sdk.core.models.dummy_entities import DummySegment
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.recorder import AWSXRayRecorder
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.ids import span_hex
from flask_onetrace.telemetry.library_environment import XRAY_DAEMON_ADDRESS, without_variables
from flask_onetrace.telemetry.plain import ends_process, text
from flask_onetrace.telemetry.redaction import NO_SECRETS
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.span import SPAN_KEY
from flask_onetrace.telemetry.xray_sdk.library_calls import keep_trace_headers, record_subsegment
from flask_onetrace.telemetry.xray_sdk.segments import begin_segment, end_segment
from flask_onetrace.telemetry.xray_sdk.state import SdkState, end_entity
from flask_onetrace.telemetry.xray_sdk.subsegments import OpenSpan, SpanSubsegment, UnsampledSubsegment, segment_of

logger = safe_logger(__name__)

_ENTITY_KEY = otel_context.create_key("xray-entity")
_PREVIOUS_CONTEXT_KEY = otel_context.create_key("before-xray-entity")
_NEVER = 1_000_000_000
_warned = threading.Event()

_INSTRUMENTATION = InstrumentationScope("flask_onetrace.telemetry.xray_context", "")


def install() -> None:
    """Point the SDK's global recorder at the current request's scope. Once per process is enough."""
    if not isinstance(xray_recorder.context, ScopedContext):
        unused_emitter = xray_recorder.emitter
        # With the SDK's sampling on, `begin_segment` would start its threads that poll the daemon.
        with without_variables(XRAY_DAEMON_ADDRESS):
            xray_recorder.configure(
                context=ScopedContext(), emitter=_NoEmitter(), streaming_threshold=_NEVER, sampling=False
            )
        # The SDK's public entry points, which `in_subsegment` and the patched libraries use too.
        xray_recorder.begin_subsegment = _begin_subsegment
        xray_recorder.end_subsegment = _end_subsegment
        xray_recorder.begin_segment = begin_segment
        xray_recorder.end_segment = end_segment
        xray_recorder.record_subsegment = record_subsegment
        keep_trace_headers()
        # The SDK opens its socket at import and has no public way to close it.
        unused_emitter._socket.close()


def _begin_subsegment(name: str, namespace: str = "local") -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Begin a subsegment: replaces the recorder's method."""
    current: Any = current_context()
    scope = current_scope(current)
    entity: Any = current.get(_ENTITY_KEY)
    parent = entity if entity is not None and entity.in_progress else None
    if scope is None or not global_sdk_config.sdk_enabled() or (parent is not None and not parent.sampled):
        return AWSXRayRecorder.begin_subsegment(xray_recorder, name, namespace)
    if not scope.is_recorded:
        state = scope.extra_of(SdkState)
        if state.placeholder is None:
            state.placeholder = UnsampledSubsegment(scope)
        state.placeholder_depth += 1
        return state.placeholder
    subsegment = SpanSubsegment(name, namespace, scope, parent.id if parent else span_hex(scope.span.span_id))
    if parent is not None:
        parent.add_subsegment(subsegment)
    _start_span(subsegment, scope, current)
    return subsegment


def _end_subsegment(end_time: float | None = None) -> None:
    """End the open subsegment: replaces the recorder's method."""
    scope = current_scope()
    state = scope.extras.get(SdkState) if scope is not None else None
    if isinstance(state, SdkState) and state.placeholder_depth > 0:
        state.placeholder_depth -= 1
    else:
        xray_recorder.context.end_subsegment(end_time)


def _start_span(subsegment: Any, scope: TraceScope, current: Any) -> None:  # noqa: ANN401 - as above, and the values of a context are untyped
    """Start the span of `subsegment` under the current one."""
    try:
        kind = trace.SpanKind.INTERNAL if subsegment.namespace == "local" else trace.SpanKind.CLIENT
    except BaseException as error:  # a namespace that is no text
        if ends_process(error):
            raise
        subsegment.namespace, kind = text(subsegment.namespace), trace.SpanKind.CLIENT
    parent = current.get(SPAN_KEY)
    span = scope.telemetry.provider.start(_INSTRUMENTATION, subsegment.name, current, kind, parent=parent)
    span_id = span.span_id
    subsegment.id = span_hex(span_id)
    context = otel_context.Context({**current, _ENTITY_KEY: subsegment, SPAN_KEY: span})
    subsegment.open_span = OpenSpan(span, context, enter_context(context), threading.get_ident(), _get_running_loop())
    scope.extra_of(SdkState).subsegments[span_id] = subsegment


class _NoEmitter:
    """Send nothing: the X-Ray sink builds the document from the spans."""

    def send_entity(self, entity: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        """Ignore the entity."""


class ScopedContext(SdkContext):  # type: ignore[misc]  # the SDK publishes no types
    """Keep the SDK's entities in OpenTelemetry's context instead of a thread-local list."""

    def get_trace_entity(self) -> Any:  # noqa: ANN401 - the SDK publishes no types
        """Return the open subsegment, else the request's segment; outside a request a dummy."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is not None and entity.in_progress:
            return entity
        scope = current_scope()
        if scope is None:
            _warn_once()
            return DummySegment()
        state = scope.extra_of(SdkState)
        if state.placeholder is not None and state.placeholder_depth > 0:
            return state.placeholder
        return segment_of(scope)

    def put_subsegment(self, subsegment: Any) -> None:  # noqa: ANN401 - as above
        """Make `subsegment` the current entity, with a span under the current one."""
        self.get_trace_entity().add_subsegment(subsegment)
        scope = current_scope()
        if subsegment.sampled and scope is not None:
            _start_span(subsegment, scope, current_context())
        else:
            context = otel_context.set_value(_ENTITY_KEY, subsegment)
            token = otel_context.attach(context)
            subsegment.open_span = OpenSpan(trace.INVALID_SPAN, context, token, threading.get_ident())

    def end_subsegment(self, end_time: float | None = None) -> bool:
        """Close the open subsegment and its span; False where none is open. `end_time` is in epoch seconds."""
        entity: Any = otel_context.get_value(_ENTITY_KEY)
        if entity is None or not entity.in_progress or not isinstance(entity, Subsegment):
            return False
        open_span: OpenSpan = entity.open_span
        scope: TraceScope | None = vars(entity).get("_scope") or current_scope()
        end_entity(entity, scope.telemetry.redact if scope is not None else NO_SECRETS, end_time)
        if open_span.thread == threading.get_ident():
            otel_context.detach(open_span.token)
        return True

    def put_segment(self, segment: Any) -> None:  # noqa: ARG002, ANN401 - the SDK's signature, without types
        """Do nothing: the request has its segment. Outside a request, warn that nothing is recorded."""
        if current_scope() is None:
            _warn_once()

    def end_segment(self, end_time: float | None = None) -> None:
        """Do nothing: the segment ends with the request."""

    def set_trace_entity(self, trace_entity: Any) -> None:  # noqa: ANN401 - as above
        """Restore the context of `trace_entity`, as the SDK's guide does in another thread."""
        open_span: OpenSpan | None = getattr(trace_entity, "open_span", None)
        current = current_context()
        previous = otel_context.get_value(_PREVIOUS_CONTEXT_KEY) or current
        base = otel_context.set_value(_PREVIOUS_CONTEXT_KEY, previous, open_span.context if open_span else current)
        otel_context.attach(otel_context.set_value(_ENTITY_KEY, trace_entity, base))

    def clear_trace_entities(self) -> None:
        """Restore the context that was current before `set_trace_entity`."""
        previous: Any = otel_context.get_value(_PREVIOUS_CONTEXT_KEY)
        otel_context.attach(previous if previous is not None else otel_context.set_value(_ENTITY_KEY, None))


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning(
            "the X-Ray SDK was used outside a request: nothing is recorded (logged once); call it within a handler, a"
            " `telemetry.job` or a segment"
        )
