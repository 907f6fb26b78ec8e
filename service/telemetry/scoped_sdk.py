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
from service.telemetry.verdict import Verdict


class ScopeIds(IdGenerator):
    """Give the server span the id that was resolved for its request, every other root an X-Ray-shaped one."""

    def generate_span_id(self) -> int:
        """Return a new span id."""
        return ids.new_span_id()

    def generate_trace_id(self) -> int:
        """Return the id of the request whose server span is being started; else a new one."""
        scope = current_scope()
        return scope.trace_id if scope is not None and scope.is_opening else ids.new_trace_id()

    def is_trace_id_random(self) -> bool:
        """Return the random-trace-id flag of W3C "Trace Context Level 2" for the id just given."""
        scope = current_scope()
        return scope.random_id if scope is not None and scope.is_opening else True


class ScopeSampler(Sampler):
    """Record the server span of a sampled request; let children follow their parent, other roots the rule.

    With `everything`, other roots are all recorded, and only those that the rule takes are for X-Ray.
    """

    def __init__(self, sampler: RequestSampler, service: str, *, everything: bool) -> None:
        self._sampler = sampler
        self._service = service
        self._everything = everything

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,  # noqa: ARG002 - the interface's signature
        name: str,  # noqa: ARG002 - the same
        kind: SpanKind | None = None,  # noqa: ARG002 - the same
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - the same
        trace_state: TraceState | None = None,  # noqa: ARG002 - the same
    ) -> SamplingResult:
        """Return the decision for one span."""
        keep, state = self._decide(parent_context)
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if keep else Decision.DROP, attributes if keep else None, state
        )

    def _decide(self, context: Context | None) -> tuple[bool, TraceState]:
        scope = current_scope(context)
        if scope is not None and scope.is_opening:  # the server span is started only when its request is sampled
            return True, Verdict(rate=scope.rate, in_xray=scope.in_xray)
        parent = trace.get_current_span(context).get_span_context()
        if parent.is_valid:
            return parent.trace_flags.sampled, parent.trace_state
        decision = self._sampler.decide(Question(service=self._service))
        rate = 1 if self._everything else decision.rate
        return decision.sampled or self._everything, Verdict(rate=rate, in_xray=decision.sampled)

    def get_description(self) -> str:
        """Name the sampler."""
        return "ScopeSampler"
