"""Decide once per request, before any span exists, whether it is sampled.

The rules are X-Ray's: of the requests that a rule matches, a reservoir of so many a second is kept, and of
the rest a fixed rate ("Configuring sampling rules", X-Ray Developer Guide). The caller's own flag is a hint
within these bounds: "not sampled" leaves a request to the reservoir alone, "sampled" has no effect.
"""

from __future__ import annotations

import fnmatch
import math
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from flask_onetrace.telemetry import ids
from flask_onetrace.telemetry.config import SamplingRule
from flask_onetrace.telemetry.export.fork import on_fork

random_draw = ids.private_random.random

JOB_METHOD: Final = "JOB"
"""What rules match as the HTTP method of work outside any request; its name they match as the URL path."""
KEEP_EVERYTHING = SamplingRule(name="everything", fixed_rate=1.0, reservoir_size=0)


class Decision(NamedTuple):
    """`rate` is how many requests a sampled one represents; 1 for a reservoir hit.

    `probability` is the chance that such a request had of being sampled: 1 for a reservoir hit, the fixed rate for the
    others, 0 where the caller or the rule left the request to the reservoir alone. `boosted_rule` names the rule where
    X-Ray may boost it, and so wants to know of each request that fails.
    """

    sampled: bool
    rate: int
    probability: float
    boosted_rule: str | None = None


NOT_SAMPLED = Decision(sampled=False, rate=0, probability=0.0)
RESERVOIR_HIT = Decision(sampled=True, rate=1, probability=1.0)


class Subject(Protocol):
    """What a rule matches, a request or a job; an empty field matches every rule, as in X-Ray's SDKs."""

    @property
    def service(self) -> str:
        """The name of the service."""

    @property
    def host(self) -> str:
        """The `Host` header."""

    @property
    def method(self) -> str:
        """The HTTP method."""

    @property
    def path(self) -> str:
        """The path of the URL."""

    @property
    def hint(self) -> bool | None:
        """The caller's sampled flag, None where it sent none."""


@dataclass(frozen=True, slots=True)
class SamplingRequest:
    """A subject of given fields."""

    service: str
    host: str = ""
    method: str = ""
    path: str = ""
    hint: bool | None = None


class Sampler(Protocol):
    """Decides for one request."""

    def decide(self, request: Subject) -> Decision:
        """Return the decision."""
        ...

    def count_anomaly(self, decision: Decision, *, sampled: bool) -> None:
        """Count a request that failed or was slow: `decision` was its own, `sampled` is what became of it."""

    def close(self) -> None:
        """Stop background work."""


class FixedRate:
    """Sample a share of the requests, each of which then represents `1 / rate` of them.

    A back end takes whole numbers alone: of a rate of 0.3, two thirds of the sampled requests represent three and one
    third four, so that counts are right on average.
    """

    def __init__(self, rate: float, boosted_rule: str | None = None) -> None:
        self.rate = rate
        self.dropped = Decision(sampled=False, rate=0, probability=rate, boosted_rule=boosted_rule)
        inverse = 1 / rate if rate else 1.0
        fewer = math.floor(inverse)
        self._represents_more = rate * (inverse - fewer)
        """Below it, a draw makes the request represent one more."""
        self._kept = Decision(sampled=True, rate=fewer, probability=rate, boosted_rule=boosted_rule)
        self._kept_for_more = self._kept._replace(rate=fewer + 1)

    def decide(self, draw: float) -> Decision:
        """Return the decision for a `draw` from 0 to 1."""
        if draw >= self.rate:
            return self.dropped
        return self._kept if draw >= self._represents_more else self._kept_for_more


fixed_rate = lru_cache(maxsize=256)(FixedRate)
"""Return the one object of that rate: a service has few."""


def matches(pattern: str, text: str) -> bool:
    """Return whether `text` matches `pattern`, in which `*` is any text and `?` any character; case is ignored.

    The wildcards of sampling rules ("Rule options", X-Ray Developer Guide). An empty `text` matches.
    """
    return not text or pattern == "*" or _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    # A bracket is a character like others here; in a shell's patterns it begins a set.
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")), re.IGNORECASE)


class LocalSampler:
    """Apply one sampling rule within this process: each worker has a reservoir of its own."""

    def __init__(
        self,
        rule: SamplingRule,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random_draw,
    ) -> None:
        self._rule = rule
        self._clock = clock
        self._draw = draw
        self._rate, at_rate = rule.fixed_rate, fixed_rate(rule.fixed_rate)
        self._decide, self._dropped = at_rate.decide, at_rate.dropped
        self._matches_all = {rule.service_name, rule.host, rule.http_method, rule.url_path} == {"*"}
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._used = 0

    def decide(self, request: Subject) -> Decision:
        """Return the decision; a request that the rule does not match is not sampled."""
        rule = self._rule
        if not (self._matches_all or self._matches(request)):
            return NOT_SAMPLED
        if rule.reservoir_size and self._take_from_reservoir():
            return RESERVOIR_HIT
        if request.hint is False:
            return NOT_SAMPLED
        draw = self._draw()
        return self._decide(draw) if draw < self._rate else self._dropped

    def count_anomaly(self, decision: Decision, *, sampled: bool) -> None:
        """Do nothing: nobody boosts a local rule."""

    def close(self) -> None:
        """Do nothing: there is no background work."""

    def _matches(self, request: Subject) -> bool:
        rule = self._rule
        # There is no other rule for jobs, which have no method and path: those of this one are meant for requests.
        return request.method == JOB_METHOD or (
            matches(rule.service_name, request.service)
            and matches(rule.host, request.host)
            and matches(rule.http_method, request.method)
            and matches(rule.url_path, request.path)
        )

    def _take_from_reservoir(self) -> bool:
        second = int(self._clock())
        with self._lock:
            if second != self._second:
                self._second, self._used = second, 0
            self._used += 1
            return self._used <= self._rule.reservoir_size
