"""Apps whose sampling decision a test knows."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from service.telemetry.config import SamplingRule
from service.telemetry.sampling.rule import Decision, LocalSampler, SamplingRequest
from tests.telemetry.tracing import telemetry_of


class Saying:
    """Give each request the same decision; keep what was asked."""

    def __init__(self, *, sampled: bool, rate: int) -> None:
        self._decision = Decision(sampled, rate)
        self.asked: list[SamplingRequest] = []

    def decide(self, request: SamplingRequest) -> Decision:
        self.asked.append(request)
        return self._decision

    def close(self) -> None:
        """Nothing runs in the background."""


def local(rate: float, reservoir: int, draw: Callable[[], float]) -> LocalSampler:
    """Return the real sampler within one second that does not end."""
    return LocalSampler(
        SamplingRule(name="tests", fixed_rate=rate, reservoir_size=reservoir), clock=lambda: 1.0, draw=draw
    )


def flushed(app: Flask) -> None:
    assert telemetry_of(app).flush(10)
