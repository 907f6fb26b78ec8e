"""Cost against traffic, beyond the maximum of tasks that the templates set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from operations.charts import Axis, Chart, Mark, Panel, Series, usd
from operations.cost.pricing import Pricing
from operations.cost.traffic import Traffic
from operations.cost.units import HOUR_SECONDS, HOURS, MILLION

DECADES: Final = (0, 5)
"""Powers of ten of the requests a second: 1 to 100,000."""
_POINTS_A_DECADE: Final = 20


@dataclass(frozen=True, slots=True)
class Point:
    """A month at one traffic."""

    requests: float
    """A second."""
    tasks: float
    """That the scaling policies ask for."""
    sampled_usd: float
    """US dollars, where the templates' sampling rules say which requests are recorded."""
    unsampled_usd: float
    """US dollars, where X-Ray and Honeycomb get every request."""

    @property
    def million_requests_usd(self) -> float:
        """US dollars of a million requests, with all that the environment costs."""
        return self.sampled_usd / (self.requests * HOURS * HOUR_SECONDS) * MILLION


def points(pricing: Pricing, points_a_decade: int = _POINTS_A_DECADE) -> list[Point]:
    """Return the points of the curve, evenly spread over its decades."""
    first, last = DECADES
    steps = range((last - first) * points_a_decade + 1)
    return [_point(pricing, 10 ** (first + step / points_a_decade)) for step in steps]


def _point(pricing: Pricing, requests: float) -> Point:
    def usd_of(sampled_share: float | None) -> float:
        return pricing.estimate(Traffic(requests=requests, sampled_share=sampled_share), without_maximum=True).usd

    return Point(requests, pricing.tasks(requests), usd_of(None), usd_of(1.0))


def chart(environment: str, curve: Sequence[Point], requests_at_maximum: float) -> Chart:
    """Return the picture of the curve of an environment, the tasks below the cost.

    `requests_at_maximum` is the requests a second from which on there are more tasks than its own maximum.
    """
    requests = [each.requests for each in curve]
    sampled = Series("sampled", requests, [each.sampled_usd for each in curve])
    unsampled = Series("every request traced", requests, [each.unsampled_usd for each in curve], "dashed")
    tasks = Series("tasks", requests, [each.tasks for each in curve], "steps")
    first, last = curve[0], curve[-1]
    return Chart(
        title=f"What {environment} costs a month, by its traffic",
        x=Axis("requests a second", log=True),
        panels=[
            Panel(y=Axis("US dollars a month", log=True, format=usd), series=[unsampled, sampled]),
            Panel(
                y=Axis("tasks", log=True), series=[tasks], marks=[Mark(requests_at_maximum, f"{environment}'s maximum")]
            ),
        ],
        description=(
            f"{environment} costs ${first.sampled_usd:,.0f} a month at {first.requests:,.0f} request a second. At "
            f"{last.requests:,.0f} it costs ${last.sampled_usd:,.0f} with its sampling rules and "
            f"${last.unsampled_usd:,.0f} with every request traced, on {last.tasks:,.0f} tasks."
        ),
    )
