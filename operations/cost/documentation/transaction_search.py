"""X-Ray through the daemon, billed by the trace, against Transaction Search, billed by the bytes of its spans."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from operations.cost.prices.keys import TRACE_PRICE
from operations.cost.prices.prices import Prices
from operations.cost.traffic import Measured
from operations.cost.units import GIB, MILLION

INSIGHTS_PRICE: Final = "xray-insights-trace-million"
_SPAN_PRICE: Final = "transaction-search-span-gb"
_INDEXED: Final = 0.01
"""The share of the traces that is indexed free of charge, which insights process ("Enable transaction search", Amazon
CloudWatch User Guide)."""
_MOST_REQUESTS: Final = 1e6
_STEPS: Final = 60
"""Bisections: more than a double has digits."""


@dataclass(frozen=True, slots=True)
class TransactionSearch:
    """What a trace costs in each of the two ways, in US dollars at list prices, without the storage of `aws/spans`."""

    prices: Prices
    measured: Measured
    insights: bool
    """Whether a group has X-Ray insights, which process the traces that X-Ray has."""

    @property
    def trace_usd(self) -> float:
        """By the daemon."""
        return self.prices[TRACE_PRICE].cost(1.0) / MILLION + self._insights_usd

    @property
    def spans_usd(self) -> float:
        """By Transaction Search."""
        return self._span_bytes_usd(self.measured.span) + self._insights_usd * _INDEXED

    @property
    def break_even_bytes(self) -> float:
        """The bytes of a span at which a trace costs the same in both ways, with the measured number of spans."""
        return (self.trace_usd - self._insights_usd * _INDEXED) / self._span_bytes_usd(1.0)

    def break_even_requests(self, recorded: Callable[[float], float]) -> float:
        """Return the requests a second at which all of them by Transaction Search cost what those sampled cost.

        `recorded` are the traces a second that the sampling rules record, by the daemon. With fewer requests
        Transaction Search of everything costs less: infinite where it always does, 0 where it never does.
        """

        def is_cheaper(requests: float) -> bool:
            return requests * self.spans_usd < recorded(requests) * self.trace_usd

        low, high = 1 / _MOST_REQUESTS, _MOST_REQUESTS
        if is_cheaper(high):
            return math.inf
        if not is_cheaper(low):
            return 0.0
        for _ in range(_STEPS):
            middle = (low * high) ** 0.5
            low, high = (middle, high) if is_cheaper(middle) else (low, middle)
        return low

    @property
    def _insights_usd(self) -> float:
        return self.prices[INSIGHTS_PRICE].cost(1.0) / MILLION if self.insights else 0.0

    def _span_bytes_usd(self, size: float) -> float:
        """Return what the spans of a trace cost where one has `size` bytes."""
        return self.measured.spans * size / GIB * self.prices[_SPAN_PRICE].cost(1.0)
