"""Decide once per request, before any span exists, whether it is sampled.

The rule is X-Ray's: a reservoir of requests per second is kept, of the rest a fixed rate ("Configuring
sampling rules", X-Ray Developer Guide).
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import NamedTuple

from service.parsing import SamplingRule

KEEP_EVERYTHING = SamplingRule(name="everything", fixed_rate=1.0, reservoir_size=0)


class Decision(NamedTuple):
    """`rate` is how many requests a sampled one stands for; 1 for a reservoir hit."""

    sampled: bool
    rate: int


class LocalSampler:
    """Apply one sampling rule within this process."""

    def __init__(
        self,
        rule: SamplingRule,
        *,
        service_name: str,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._rule = rule
        self._applies = fnmatchcase(service_name, rule.service_name)
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0
        self._kept = Decision(sampled=True, rate=1)
        self._drawn = Decision(sampled=True, rate=round(1 / rule.fixed_rate) if rule.fixed_rate else 1)
        self._dropped = Decision(sampled=False, rate=0)

    def decide(self, *, host: str, method: str, path: str) -> Decision:
        """Return the decision for one request."""
        rule = self._rule
        if rule.fixed_rate >= 1:
            return self._kept
        if not self._matches(host, method, path):
            return self._dropped
        if rule.reservoir_size and self._take():
            return self._kept
        return self._drawn if self._draw() < rule.fixed_rate else self._dropped

    def _matches(self, host: str, method: str, path: str) -> bool:
        rule = self._rule
        return (
            self._applies
            and fnmatchcase(host, rule.host)
            and fnmatchcase(method, rule.http_method)
            and fnmatchcase(path, rule.url_path)
        )

    def _take(self) -> bool:
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return self._taken <= self._rule.reservoir_size
