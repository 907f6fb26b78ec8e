from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from flask_onetrace.telemetry.sampling.remote import PollingIntervals, RemoteSampler
from tests.telemetry.sampling.fake_daemon import FakeDaemon, rule
from tests.telemetry.sampling.samplers import QUICK_INTERVALS, SamplerFactory, fallback_sampler


@pytest.fixture
def make_sampler() -> Iterator[SamplerFactory]:
    """Create remote samplers for a daemon's address; all are closed at the end."""
    samplers: list[RemoteSampler] = []

    def make(
        address: tuple[str, int],
        intervals: PollingIntervals = QUICK_INTERVALS,
        **options: Any,  # noqa: ANN401 - passed on
    ) -> RemoteSampler:
        samplers.append(RemoteSampler(address, fallback_sampler(), intervals=intervals, **options))
        return samplers[-1]

    yield make
    for sampler in samplers:
        sampler.close()


@pytest.fixture
def daemon() -> FakeDaemon:
    """A daemon with one rule, which samples every other request."""
    return FakeDaemon(rules=[rule(FixedRate=0.5)])
