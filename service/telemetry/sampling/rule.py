"""Decide once per request, before any span exists, whether it is sampled.

The rules are X-Ray's: of the requests that a rule matches, a reservoir of so many a second is kept, and of
the rest a fixed rate ("Configuring sampling rules", X-Ray Developer Guide). The caller's own flag is a hint
within these bounds: "not sampled" leaves a request to the reservoir alone, "sampled" gains it nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from aws_xray_sdk.core.utils.search_pattern import wildcard_match

from service.telemetry import ids
from service.telemetry.export.fork import on_fork
from service.values import SamplingRule

own_draw = ids.private_random.random

KEEP_EVERYTHING = SamplingRule(name="everything", fixed_rate=1.0, reservoir_size=0)


class Decision(NamedTuple):
    """`rate` is how many requests a sampled one stands for; 1 for a reservoir hit."""

    sampled: bool
    rate: int


DROPPED = Decision(sampled=False, rate=0)
ONE = Decision(sampled=True, rate=1)


@dataclass(slots=True)
class Question:
    """What a rule looks at; what is empty matches every rule, as in X-Ray's SDKs.

    `hint` is the caller's sampled flag, None where it sent none.
    """

    service: str
    host: str = ""
    method: str = ""
    path: str = ""
    hint: bool | None = None


class Sampler(Protocol):
    """Answers for one request."""

    def decide(self, question: Question) -> Decision:
        """Return the decision."""
        ...


def drawn(rate: float) -> Decision:
    """Return the decision for a request that the fixed `rate` (above 0, at most 1) drew."""
    return Decision(sampled=True, rate=max(1, round(1 / rate)))


class LocalSampler:
    """Apply one sampling rule within this process: each worker has the rule's reservoir for itself."""

    def __init__(
        self,
        rule: SamplingRule,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = own_draw,
    ) -> None:
        self._rule = rule
        self._clock = clock
        self._draw = draw
        self._drawn = drawn(rule.fixed_rate) if rule.fixed_rate else DROPPED
        self._takes_all = {rule.service_name, rule.host, rule.http_method, rule.url_path} == {"*"}
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._taken = 0

    def decide(self, question: Question) -> Decision:
        """Return the decision; a request that the rule does not match is not sampled."""
        rule = self._rule
        if not (self._takes_all or self._matches(question)):
            return DROPPED
        if rule.reservoir_size and self._take():
            return ONE
        if question.hint is False:
            return DROPPED
        return self._drawn if self._draw() < rule.fixed_rate else DROPPED

    def _matches(self, question: Question) -> bool:
        rule = self._rule
        return (
            _matches(rule.service_name, question.service)
            and _matches(rule.host, question.host)
            and _matches(rule.http_method, question.method)
            and _matches(rule.url_path, question.path)
        )

    def _take(self) -> bool:
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._taken = second, 0
            self._taken += 1
            return self._taken <= self._rule.reservoir_size


def _matches(pattern: str, text: str) -> bool:
    return not text or pattern == "*" or bool(wildcard_match(pattern, text))
