"""Give each root span outside a request a scope, as a request has.

So log lines, error items and the X-Ray SDK find its trace, whoever starts the span: `telemetry.job`, OpenTelemetry's
API, or the instrumentation of a worker such as Celery's.
"""

from __future__ import annotations

import sys
import time
import weakref
from typing import Any, Final

from opentelemetry.trace import StatusCode, TraceFlags

from flask_onetrace.telemetry import ids
from flask_onetrace.telemetry.context.job_scope import JobScope
from flask_onetrace.telemetry.context.propagation import HINT_KEY
from flask_onetrace.telemetry.context.trace_scope import AppTelemetry, current_scope
from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.rule import NOT_SAMPLED, RESERVOIR_HIT, Decision
from flask_onetrace.telemetry.sampling.trace_state import PendingTraceState, SamplingTraceState
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.tracer import Root, RootArguments, continue_trace
from flask_onetrace.telemetry.spans.unsampled import UnsampledSpan

logger = safe_logger(__name__)

_NO_DEADLINE: Final = 2**63
_NANOSECONDS_PER_MS: Final = 1_000_000
_RANDOM: Final = TraceFlags.RANDOM_TRACE_ID


class Jobs:
    """Decide for the root spans of one app that belong to no request, and complete them."""

    def __init__(self, telemetry: AppTelemetry) -> None:
        # The provider has this as its callback, and telemetry has the provider.
        self._telemetry = weakref.ref(telemetry)
        on_fork(self._flush_at_childs_exit)

    def decide_root(self, arguments: RootArguments) -> tuple[Root, JobScope | None]:
        """Return the ids and the decision of a root span, and its scope."""
        parent, telemetry = arguments.parent, self._telemetry()
        flags = parent.trace_flags
        outer = current_scope(arguments.context) if parent.is_valid else None
        if outer is not None and parent.trace_id == outer.trace_id and outer.is_recorded and not flags.sampled:
            # The application's own tracer provider does not sample what we do.
            return continue_trace(outer.span.get_span_context()), None
        if telemetry is None or outer is not None:
            # Application code has joined another trace within a request.
            return continue_trace(parent), None
        trace_id = parent.trace_id or ids.new_trace_id()
        scope = JobScope(telemetry, arguments, ids.trace_hex(trace_id), self._complete)
        if parent.is_valid and not isinstance(parent.trace_state, SamplingTraceState):
            scope.tracestate = parent.trace_state.to_header()
        decision = scope.decision = self._decide(telemetry, scope)
        scope.sampled = decision.sampled
        state, recorded = telemetry.trace_state_of(decision), telemetry.records(decision)
        if recorded and (state.rate > 1 or not state.sampled):  # it may fail yet, and then represents itself
            state = PendingTraceState(state, _NO_DEADLINE, lambda: None)
        is_random = flags.random_trace_id if parent.trace_id else True
        root = Root(trace_id, recorded=recorded, random=is_random, trace_state=state, caller=arguments.caller)
        return root, scope

    def _decide(self, telemetry: AppTelemetry, scope: JobScope) -> Decision:
        """Follow the decision that came with a message, whose sender is trusted; else ask the sampling rules."""
        parent = scope.root.parent
        if parent.trace_id:
            context = scope.root.context
            hint = (current_context() if context is None else context).get(HINT_KEY, parent.trace_flags.sampled)
            if hint is not None:
                return RESERVOIR_HIT if hint else NOT_SAMPLED
        return telemetry.sampler.decide(scope)

    def _complete(self, scope: JobScope) -> None:
        """Record on the root span what its scope knows; keep the trace if it failed. Never raises."""
        telemetry = self._telemetry()
        if telemetry is None:
            return
        try:
            scope.duration_ms = (time.time_ns() - scope.root.start_time) / _NANOSECONDS_PER_MS
            if scope.error is not None:
                telemetry.keep(scope)
            span = scope.span
            if isinstance(span, UnsampledSpan):
                if span.is_kept:
                    self._start_kept_span(telemetry, scope, span)
            else:
                self._complete_span(telemetry, scope, span)
        except Exception:
            logger.exception("the root span of a job could not be completed")

    def _complete_span(self, telemetry: AppTelemetry, scope: JobScope, span: LightSpan) -> None:
        if isinstance(span.trace_state, PendingTraceState):
            for each in span.trace_state.settle():
                telemetry.provider.process(each)
        for extra in scope.extras.values():
            extra.before_end(scope)
        if scope.user_id is not None:
            span.set_attribute("user.id", scope.user_id)
        if scope.event_ids:
            span.set_attributes(scope.event_ids)
        # An instrumentation that has set ERROR has recorded the exception.
        if scope.error is not None and span.status.status_code is not StatusCode.ERROR:
            span.record_error(scope.error, snapshot=scope.error_snapshot())

    def _start_kept_span(self, telemetry: AppTelemetry, scope: JobScope, unsampled: UnsampledSpan) -> None:
        """Start the root span of a job that is kept for its failure, and record what failed within it."""
        arguments, is_random, state = scope.root, bool(unsampled.flags & _RANDOM), unsampled.trace_state
        root = Root(scope.trace_id, recorded=True, random=is_random, trace_state=state, caller=arguments.caller)
        failures, unsampled.failures, unsampled.is_closed = unsampled.failures, (), True
        span = telemetry.provider.start(
            arguments.instrumentation,
            arguments.name,
            None,
            arguments.kind,
            arguments.attributes,
            arguments.links,
            arguments.start_time,
            root=root,
            span_id=unsampled.span_id,
        )
        if isinstance(span, LightSpan):
            scope.span, span.scope = span, scope
            telemetry.provider.record_failures(span, failures)
            self._complete_span(telemetry, scope, span)

    def _flush_at_childs_exit(self) -> None:
        """Have a process that `multiprocessing` forked flush at its end, which calls no `atexit` function.

        Called right after the fork, before `multiprocessing` clears the finalizers that the process has inherited.
        """
        util: Any = sys.modules.get("multiprocessing.util")
        if util is not None:
            util.register_after_fork(self, Jobs.register_finalizer)

    def register_finalizer(self) -> None:
        """Shut telemetry down when a process of `multiprocessing` ends."""
        util: Any = sys.modules["multiprocessing.util"]
        util.Finalize(None, self._shut_down, exitpriority=0)

    def _shut_down(self) -> None:
        telemetry = self._telemetry()
        if telemetry is not None:
            telemetry.shutdown()
