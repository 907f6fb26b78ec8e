"""Samplers with a known decision, and remote samplers that poll fast enough for a test."""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask_onetrace.telemetry.config import SamplingRule
from flask_onetrace.telemetry.sampling.remote import PollingIntervals, RemoteSampler
from flask_onetrace.telemetry.sampling.rule import Decision, LocalSampler, SamplingRequest, Subject
from tests.telemetry.tracing import wait_until

QUICK_INTERVALS = PollingIntervals(targets=0.02, rules=3600.0, retry=0.02, max_retry=0.05, timeout=1.0)
REQUEST = SamplingRequest(service="Backend-Flask", host="example.com", method="GET", path="/api/activities/home")
LOCAL_DECISION = Decision(sampled=True, rate=77, probability=1 / 77)
"""The decision of the local fallback; no remote rule of these tests has its rate."""

SamplerFactory = Callable[..., RemoteSampler]


class FixedSampler:
    """Return the same decision for each request, and record the requests."""

    def __init__(self, *, sampled: bool, rate: int) -> None:
        self.decision = Decision(sampled, rate, 1 / rate if rate else 0.0)
        self.requests: list[SamplingRequest] = []

    def decide(self, request: Subject) -> Decision:
        self.requests.append(SamplingRequest(request.service, request.host, request.method, request.path, request.hint))
        return self.decision

    def count_anomaly(self, decision: Decision, *, sampled: bool) -> None:
        """Do nothing: nobody boosts a fixed sampler."""

    def close(self) -> None:
        """Do nothing: a fixed sampler has no thread to stop."""


def local_sampler(rate: float, reservoir: int, draw: Callable[[], float]) -> LocalSampler:
    """Return the real local sampler with its clock stopped, so that the reservoir never refills."""
    return LocalSampler(
        SamplingRule(name="tests", fixed_rate=rate, reservoir_size=reservoir), clock=lambda: 1.0, draw=draw
    )


def fallback_sampler() -> FixedSampler:
    """Return what a remote sampler falls back on in these tests."""
    return FixedSampler(sampled=LOCAL_DECISION.sampled, rate=LOCAL_DECISION.rate)


def follows_remote_rules(sampler: RemoteSampler) -> bool:
    """Start the polling by a first request; return whether remote rules arrive in time."""
    sampler.decide(REQUEST)
    return wait_until(lambda: sampler.source == "x-ray")


def polling_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "telemetry-sampling"]


def samples_half(sampler: RemoteSampler) -> bool:
    """Return whether the decision is that of a rule with a fixed rate of 0.5."""
    return sampler.decide(REQUEST) == Decision(sampled=True, rate=2, probability=0.5)
