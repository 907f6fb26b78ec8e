"""Price one environment's templates at any traffic."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from infra.environments import Environment
from operations.cost.estimate import estimate
from operations.cost.line_items import Estimate
from operations.cost.prices.keys import TRACE_PRICE
from operations.cost.prices.prices import Prices
from operations.cost.reading import Notes, Reader
from operations.cost.report.summary import Summary
from operations.cost.scaling import Scaling, scalings
from operations.cost.templates import Templates, load
from operations.cost.traffic import Measured, Traffic
from operations.cost.units import HOUR_SECONDS, HOURS, MILLION
from operations.synthesis import synthesize


@dataclass(frozen=True, slots=True)
class Pricing:
    """Templates, and what prices them."""

    templates: Templates
    prices: Prices
    measured: Measured
    free_tier: bool = False
    """Whether the account's free allowances are taken off."""

    def estimate(self, traffic: Traffic, *, without_maximum: bool = False) -> Estimate:
        """Return the estimate; `without_maximum` runs as many tasks as the traffic needs. Raises `OperatorError`."""
        return estimate(
            self.templates,
            traffic,
            self.prices,
            self.measured,
            without_maximum=without_maximum,
            free_tier=self.free_tier,
        )

    def summary(self, traffic: Traffic) -> Summary:
        """Return the estimate beside the one without a request. Raises `OperatorError`."""
        return Summary(self.estimate(traffic), self.estimate(replace(traffic, requests=0.0)), traffic)

    @property
    def requests_at_maximum(self) -> float:
        """The requests a second from which on a service has its maximum of tasks; infinite where none takes any."""
        services = [each for each in self._scalings() if each.takes_requests]
        return min((each.requests_at_maximum(self.measured.requests_per_vcpu) for each in services), default=math.inf)

    def tasks(self, requests: float) -> float:
        """Return how many tasks the scaling policies ask for at `requests` a second, whatever their maximum is."""
        return sum(
            each.tasks(requests, self.measured.requests_per_vcpu, without_maximum=True) for each in self._scalings()
        )

    def recorded(self, requests: float) -> float:
        """Return the traces a second that X-Ray records of `requests` a second, by the sampling rules."""
        items = self.estimate(Traffic(requests=requests), without_maximum=True).items
        traces = sum(each.quantity for each in items if each.price.key == TRACE_PRICE) * MILLION
        return traces / (HOURS * HOUR_SECONDS)

    def _scalings(self) -> Iterator[Scaling]:
        return scalings(Reader(self.templates, Notes()))


def synthesized(environment: Environment) -> Templates:
    """Return the templates of the selected application's stacks in `environment`. Raises `OperatorError`."""
    with tempfile.TemporaryDirectory() as folder:
        synthesize(Path(folder), environment)
        return load(Path(folder))
