"""Samplers that follow a daemon at a test's pace, and the one request that most tests ask about."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.telemetry.sampling.remote import PollingIntervals, RemoteSampler
from service.telemetry.sampling.rule import Decision, SamplingRequest
from tests.telemetry.tracing import until

QUICK = PollingIntervals(targets=0.02, rules=3600.0, retry=0.02, max_retry=0.05, timeout=1.0)
REQUEST = SamplingRequest(service="Backend-Flask", host="example.com", method="GET", path="/api/activities/home")
LOCAL = Decision(sampled=True, rate=77)
"""What the local rule of these tests says, and no remote one does."""

SamplerMaker = Callable[..., RemoteSampler]


class Local:
    """The local rule."""

    def decide(self, request: SamplingRequest) -> Decision:  # noqa: ARG002 - the interface's signature
        return LOCAL

    def close(self) -> None:
        """Nothing runs in the background."""


def following(sampler: RemoteSampler) -> bool:
    """Return whether the remote rules decide, after a first request that starts the polling."""
    sampler.decide(REQUEST)
    return until(lambda: sampler.source == "x-ray")


def polling() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "telemetry-sampling"]


def half(sampler: RemoteSampler) -> bool:
    return sampler.decide(REQUEST) == Decision(sampled=True, rate=2)
