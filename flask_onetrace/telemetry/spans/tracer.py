"""Start the spans of one app, by OpenTelemetry's API, and pass them to the SDK's span processors.

A span inherits its parent's sampling decision. A root follows the sampling rule; a request's server span has the
decision of its request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import time_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry.ids import trace_hex
from flask_onetrace.telemetry.library_environment import without_failing_variables
from flask_onetrace.telemetry.redaction import NO_SECRETS, Redactor
from flask_onetrace.telemetry.redaction.limits import MAX_TEXT
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.trace_state import PendingTraceState, trace_state_of
from flask_onetrace.telemetry.spans.current_span import CurrentSpan
from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot
from flask_onetrace.telemetry.spans.span import OWN_SPAN, LightSpan
from flask_onetrace.telemetry.spans.unsampled import OUTGOING, Failure, UnsampledSpan

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

logger = safe_logger(__name__)

_SAMPLED, _RANDOM = trace.TraceFlags.SAMPLED, trace.TraceFlags.RANDOM_TRACE_ID
_INTERNAL = trace.SpanKind.INTERNAL
_UNLIMITED = 1_000_000
_PROCESSOR_ERROR = "a span processor raised an exception"


class Root(NamedTuple):
    """The ids and flags of a span without a parent in this process; `caller` is its parent in another process."""

    trace_id: int
    recorded: bool
    random: bool
    trace_state: trace.TraceState
    caller: trace.SpanContext | None = None

    @property
    def flags(self) -> int:
        """The trace flags of level 2."""
        return (_SAMPLED if self.recorded else 0) | (_RANDOM if self.random else 0)


def continue_trace(parent: trace.SpanContext) -> Root:
    """Return what a span has whose parent application code has set."""
    flags = parent.trace_flags
    return Root(parent.trace_id, flags.sampled, flags.random_trace_id, parent.trace_state, parent)


class RootArguments(NamedTuple):
    """What a span is started with that has no parent in this process, and belongs to no request.

    `parent` is that of another process, or invalid. `start_time` is in nanoseconds since the epoch.
    """

    instrumentation: InstrumentationScope
    name: str
    context: Context | None
    kind: trace.SpanKind
    attributes: Attributes
    links: Sequence[trace.Link] | None
    start_time: int
    parent: trace.SpanContext

    @property
    def caller(self) -> trace.SpanContext | None:
        """The parent, if it is a span: a message may name a trace alone."""
        return self.parent if self.parent.is_valid else None


class RootScope(Protocol):
    """The scope of a root span outside any request, which the spans within it share."""

    span: Any
    """The root span."""

    def complete(self) -> None:
        """Record on the root span what is known of it: it is about to end."""

    def release(self) -> None:
        """Drop the root span: the sinks have it."""

    def end_unsampled(self) -> None:
        """End a root span that is not recorded."""


DecideRoot = Callable[[RootArguments], tuple[Root, RootScope | None]]


def _begin_unsampled(scope: RootScope, root: UnsampledSpan) -> None:
    root.scope, scope.span = scope, root
    if trace_state_of(root.trace_state).sampled:  # no sink takes spans, but the application's own SDK follows the flag
        root.flags |= _SAMPLED


class AppTracerProvider(trace.TracerProvider):
    """Start the spans of one app. `decide_root` is called for a root span outside any request.

    Spans pass through `redact` before any processor sees their end.
    """

    def __init__(self, resource: Resource, decide_root: DecideRoot, redact: Redactor = NO_SECRETS) -> None:
        self.resource = resource
        with without_failing_variables():
            self.limits = SpanLimits()
        max_attributes = self.limits.max_span_attributes
        max_length = self.limits.max_span_attribute_length
        self.max_text = MAX_TEXT if max_length is None else min(MAX_TEXT, max_length)
        self.max_plain_attributes = (
            0 if max_length is not None else _UNLIMITED if max_attributes is None else max_attributes
        )
        self.redact = redact
        self._decide_root = decide_root
        self._processors: tuple[SpanProcessor, ...] = ()
        self._start_listeners: tuple[Callable[..., None], ...] = ()
        self._end_listeners: tuple[Callable[..., None], ...] = ()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> AppTracer:
        """Return a tracer whose spans name the module."""
        instrumentation = InstrumentationScope(
            instrumenting_module_name, instrumenting_library_version or "", schema_url, attributes
        )
        return AppTracer(instrumentation, lambda _: self)

    def add_span_processor(self, processor: SpanProcessor) -> None:
        """Pass every span to `processor` too, after the processors added before."""
        self._processors += (processor,)
        self._start_listeners = tuple(each.on_start for each in self._processors if _overrides(each, "on_start"))
        # `_on_ending` is the SDK's hook for a span that may still be changed; it has no public name yet.
        ending = tuple(getattr(each, "_on_ending") for each in self._processors if _overrides(each, "_on_ending"))  # noqa: B009 - as above
        self._end_listeners = ending + tuple(each.on_end for each in self._processors)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have each processor export its spans."""
        return not [each for each in self._processors if not each.force_flush(timeout_millis)]

    def shutdown(self) -> None:
        """Shut the processors down."""
        for each in self._processors:
            _call_safely(each.shutdown)

    def on_end(self, span: LightSpan) -> None:
        """Pass a span that has ended to the processors, now or when its request's decision is final."""
        state = span.trace_state
        if type(state) is PendingTraceState and state.hold(span):
            return
        for listener in self._end_listeners:
            try:  # inlined: this is on every request's path
                listener(span)
            except Exception:
                logger.exception(_PROCESSOR_ERROR)

    def process(self, span: LightSpan) -> None:
        """Pass a span that was held to the processors."""
        for listener in self._end_listeners:
            _call_safely(listener, span)

    def start(  # noqa: PLR0917 - the API's own parameters
        self,
        instrumentation: InstrumentationScope,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = _INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        *,
        parent: trace.Span | None = None,
        root: Root | None = None,
        redacted: bool = False,
        span_id: int = 0,
    ) -> LightSpan | UnsampledSpan:
        """Start a span under `parent`, or as `root`; with neither, under the span of `context`.

        `redacted` says that name and attributes have no secrets and are not too long; `span_id` is its id where that is
        known already.
        """
        if parent is None and root is None:
            parent = trace.get_current_span(context)
        own_scope: RootScope | None = None
        if type(parent) is LightSpan:
            trace_id, parent_id, flags, state = parent.trace_id, parent.span_id, parent.flags, parent.trace_state
            span_parent: LightSpan | trace.SpanContext | None = parent
        else:
            if root is None:
                caller, begin = (parent or trace.INVALID_SPAN).get_span_context(), start_time or time_ns()
                arguments = RootArguments(instrumentation, name, context, kind, attributes, links, begin, caller)
                root, own_scope = self._decide_root(arguments)
            trace_id, flags, state, span_parent = root.trace_id, root.flags, root.trace_state, root.caller
            parent_id = span_parent.span_id if span_parent is not None else 0
        if not flags & _SAMPLED:
            unsampled = UnsampledSpan(trace_hex(trace_id), flags, state)
            if own_scope is not None:
                _begin_unsampled(own_scope, unsampled)
            return unsampled
        span = LightSpan(
            self,
            instrumentation,
            name,
            trace_id=trace_id,
            parent=span_parent,
            parent_id=parent_id,
            flags=flags,
            trace_state=state,
            kind=kind,
            start_time=start_time,
            span_id=span_id,
        )
        if own_scope is not None:
            span.scope, own_scope.span = own_scope, span
        elif type(parent) is LightSpan and parent.scope is not None:
            span.scope = parent.scope
        if redacted:
            span.is_redacted = True
            span.complete(None, attributes or {})
        elif attributes is not None:
            span.set_attributes(attributes)
        if links is not None:
            span.add_links(links)
        for listener in self._start_listeners:
            _call_safely(listener, span, context)
        return span

    def record_failures(self, server: LightSpan, failures: Sequence[Failure]) -> None:
        """Record the inner spans that exceptions left within `server`, the innermost first."""
        spans: list[LightSpan | UnsampledSpan] = []
        for index in range(len(failures) - 1, -1, -1):
            each, later = failures[index], failures[index + 1 :]
            # The next one that had begun before is the one around it.
            outer = (span for span, it in zip(reversed(spans), later, strict=True) if _encloses(it, each))
            name, _, kind, attributes, links, *_ = each.arguments
            spans.append(
                self.start(
                    each.instrumentation,
                    name,
                    None,
                    kind,
                    attributes,
                    links,
                    each.start_time,
                    parent=next(outer, server),
                    span_id=each.span_id,
                )
            )
        for each, span in zip(failures, reversed(spans), strict=True):
            if isinstance(span, LightSpan):
                record, set_status = each.arguments[-2:]
                snapshot = ExceptionSnapshot(each.error, each.traceback, self.redact)
                span.record_error(each.error, record=record, set_status=set_status, snapshot=snapshot)
                span.end(each.end_time)


class AppTracer(trace.Tracer):
    """Start spans for one module. `find_provider` returns the provider of the current app, None where there is none."""

    def __init__(
        self, instrumentation: InstrumentationScope, find_provider: Callable[[Context | None], AppTracerProvider | None]
    ) -> None:
        self.instrumentation = instrumentation
        self._find_provider = find_provider

    def start_span(  # noqa: PLR0917 - the API's signature
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = _INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the same
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - the same
    ) -> trace.Span:
        """Start a span; a non-recording one in a request that is not recorded, or without an app."""
        parent = trace.get_current_span(context)
        if type(parent) is UnsampledSpan:
            # The span of a job ends with it: no other may be the same.
            return parent.outgoing() if kind in OUTGOING or parent.scope is not None else parent
        arguments = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return self.start_within(parent, *arguments)

    def start_within(  # noqa: PLR0917 - as above
        self,
        parent: trace.Span,
        name: str,
        context: Context | None,
        kind: trace.SpanKind,
        attributes: Attributes,
        links: Sequence[trace.Link] | None,
        start_time: int | None,
        record_exception: bool,  # noqa: FBT001 - as above
        set_status_on_exception: bool,  # noqa: FBT001 - as above
    ) -> trace.Span:
        """Start a span under `parent`, which is the current span of `context`."""
        if type(parent) is LightSpan:
            provider: AppTracerProvider | None = parent.provider  # type: ignore[assignment]  # the span knows its protocol
        else:
            parent = getattr(parent, OWN_SPAN, parent)
            provider = self._find_provider(context)
        if provider is None:
            return trace.NoOpTracer().start_span(name, context)
        span = provider.start(self.instrumentation, name, context, kind, attributes, links, start_time, parent=parent)
        if not (record_exception and set_status_on_exception) and isinstance(span, LightSpan):
            span.on_exception(record=record_exception, set_status=set_status_on_exception)
        return span

    def start_as_current_span(  # noqa: PLR0917 - the same
        self,
        name: str,
        context: Context | None = None,
        kind: trace.SpanKind = _INTERNAL,
        attributes: Attributes = None,
        links: Sequence[trace.Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,  # noqa: FBT001, FBT002 - the same
        set_status_on_exception: bool = True,  # noqa: FBT001, FBT002 - the same
        end_on_exit: bool = True,  # noqa: FBT001, FBT002 - the same
    ) -> Any:  # noqa: ANN401 - the API types it as a private class
        """Return a context manager, which is a decorator too, that starts the span and makes it the current one."""
        arguments = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return CurrentSpan(self, arguments, end_on_exit=end_on_exit)


def _encloses(outer: Failure, inner: Failure) -> bool:
    is_within = outer.start_time <= inner.start_time and outer.end_time >= inner.end_time
    return is_within and outer.thread == inner.thread


def _overrides(processor: SpanProcessor, hook: str) -> bool:
    return getattr(type(processor), hook, None) is not getattr(SpanProcessor, hook)


def _call_safely(listener: Callable[..., None], *args: object) -> None:
    try:
        listener(*args)
    except Exception:
        logger.exception(_PROCESSOR_ERROR)
