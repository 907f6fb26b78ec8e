"""Make OpenTelemetry's SDK follow what was resolved and decided before the server span."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from service.telemetry import ids
from service.telemetry.sampling import Question
from service.telemetry.sampling import Sampler as RequestSampler
from service.telemetry.scope import current_scope


class ScopeIds(IdGenerator):
    """Give the server span the id that was resolved for its request, every other root an X-Ray-shaped one."""

    def generate_span_id(self) -> int:
        """Return a new span id."""
        return ids.new_span_id()

    def generate_trace_id(self) -> int:
        """Return the id of the scope that is being opened, once; else a new one."""
        scope = current_scope()
        if scope is None or scope.root_id is None:
            return ids.new_trace_id()
        found, scope.root_id = scope.root_id, None
        return found


class ScopeSampler(Sampler):
    """Record the server span of a sampled request; let children follow their parent, other roots the rule."""

    def __init__(self, sampler: RequestSampler, service: str) -> None:
        self._sampler = sampler
        self._service = service

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - the interface's signature
        name: str,
        kind: SpanKind | None = None,  # noqa: ARG002 - the same
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - the same
        trace_state: TraceState | None = None,  # noqa: ARG002 - the same
    ) -> SamplingResult:
        """Return the decision for one span."""
        parent = trace.get_current_span(parent_context).get_span_context()
        keep = self._keep(parent_context, parent, name)
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if keep else Decision.DROP, attributes if keep else None, parent.trace_state
        )

    def _keep(self, context: Context | None, parent: trace.SpanContext, name: str) -> bool:
        scope = current_scope(context)
        if scope is not None and scope.span is trace.INVALID_SPAN:
            return True  # the server span itself: started only when its request is sampled
        if parent.is_valid:
            return parent.trace_flags.sampled
        return self._sampler.decide(Question(service=self._service, host="", method="", path=name)).sampled

    def get_description(self) -> str:
        """Name the sampler."""
        return "ScopeSampler"
