"""Analyse how far a service scales, by its templates, the bench's figures and assumptions about its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from operations.cost.arguments import DEFAULT_REGION
from operations.cost.estimate import estimate
from operations.cost.prices import prices
from operations.cost.templates import Templates
from operations.cost.traffic import DEFAULT_FAILURE_RATE, Measured, Traffic
from operations.cost.units import MINUTE_SECONDS
from operations.scale.headroom import DECADES, Row, rows_of
from operations.scale.limits import Limit, limits_of
from operations.scale.load import Load
from operations.scale.service import ScaledService
from operations.scale.simulation import Fleet
from operations.scale.variants import fleet_of

DEFAULT_LATENCY: Final = 0.05
"""Seconds."""
CPU_BOUND: Final = 100.0
"""Requests a second and vCPU of an application that computes 10 ms for each: templates, a database's rows, JSON."""


@dataclass(frozen=True)
class ScalingAnalysis:
    """A service and the assumptions about its requests."""

    templates: Templates
    service: ScaledService
    measured: Measured
    failed_share: float = DEFAULT_FAILURE_RATE
    """Of the requests."""
    latency: float = DEFAULT_LATENCY
    """Seconds that a request takes."""
    own_limits: Path | None = None

    def load_at(self, requests: float) -> Load:
        """Return the load of `requests` a second."""
        return Load(requests, self.service, self.measured, self.failed_share, self.latency)

    @cached_property
    def limits(self) -> Sequence[Limit]:
        """The limits that the service meets."""
        return limits_of(self.service, self.own_limits)

    def quota(self, key: str) -> float:
        """Return the value of the published limit `key`."""
        return next(each.value(self.load_at(1)) for each in self.limits if each.key == key and each.value)

    def rows(self, at: Sequence[float] = DECADES) -> Sequence[Row]:
        """Return the use of each limit at those requests a second, the one that is reached first at the top."""
        return rows_of(self.limits, self.load_at, at)

    @property
    def fleet(self) -> Fleet:
        """The tasks and their scaling policies. Raises `OperatorError` where one is missing."""
        return fleet_of(
            self.service,
            requests_per_vcpu=self.measured.requests_per_vcpu,
            latency=self.latency,
            launches_per_second=self.quota("fargate-launches") / MINUTE_SECONDS,
        )

    def monthly_usd(self, requests: float) -> float:
        """Return US dollars a month of that load's desired tasks. Raises `OperatorError` for what has no price."""
        traffic = Traffic(requests=requests, failed_share=self.failed_share)
        return estimate(self.templates, traffic, prices.load(DEFAULT_REGION), self.measured, without_maximum=True).usd

    def with_requests_per_vcpu(self, requests: float) -> ScalingAnalysis:
        """Return the same for an application that serves as many requests a second with one vCPU."""
        return replace(self, measured=replace(self.measured, requests_per_vcpu=requests))
