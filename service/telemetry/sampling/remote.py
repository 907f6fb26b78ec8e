"""Follow the sampling rules and quotas that X-Ray gives out, fetched through the daemon's proxy.

The X-Ray SDK's own rules, reservoirs and connector do the work. Its pollers are not used: a fetch that fails,
as the first does while the sidecar is still starting, would be tried again after five minutes only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from aws_xray_sdk.core.sampling.reservoir import ReservoirDecision
from aws_xray_sdk.core.sampling.rule_cache import RuleCache
from opentelemetry.instrumentation.utils import suppress_instrumentation

from service.telemetry.export.fork import on_fork
from service.telemetry.export.queue import THREAD_PREFIX
from service.telemetry.sampling.daemon_client import connector_to
from service.telemetry.sampling.rule import DROPPED, ONE, Decision, Question, Sampler, drawn, own_draw

logger = logging.getLogger(__name__)

_GONE_AFTER = 3
_SAY_EVERY = 600.0


class Pace(NamedTuple):
    """How often the daemon is asked, in seconds.

    Targets each 10 s and rules each 5 min are what X-Ray's SDKs keep to ("Using sampling rules with the X-Ray
    API"). What fails is asked again after `retry`, then after twice as long each time, up to `patience`.
    """

    targets: float = 10.0
    rules: float = 300.0
    retry: float = 2.0
    patience: float = 30.0
    time_limit: float = 3.0


_PACE = Pace()


class RemoteSampler:
    """Decide by X-Ray's rules; by `local` until they are first fetched, and when the daemon is gone."""

    def __init__(
        self,
        daemon: tuple[str, int],
        local: Sampler,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = own_draw,
        pace: Pace = _PACE,
    ) -> None:
        self._daemon = daemon
        self._local = local
        self._clock = clock
        self._draw = draw
        self._pace = pace
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        self._cache = _Rules()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def decide(self, question: Question) -> Decision:
        """Return the decision; the first call starts the polling thread."""
        if self._thread is None:
            self._start()
        if not self._cache.last_updated:
            return self._local.decide(question)
        now = int(self._clock())
        asked = {"service": question.service, "host": question.host, "method": question.method, "path": question.path}
        with self._cache.lock:
            rule = self._cache.get_matched_rule(asked, now)
            if rule is not None:
                return self._by_rule(rule, question, now)
        return self._local.decide(question)

    def _by_rule(self, rule: Any, question: Question, now: int) -> Decision:  # noqa: ANN401 - the SDK publishes no types
        rule.increment_request_count()
        taken = rule.reservoir.borrow_or_take(now, rule.can_borrow)
        if taken is ReservoirDecision.BORROW:
            rule.increment_borrow_count()
            return ONE
        if taken is ReservoirDecision.TAKE:
            rule.increment_sampled_count()
            return ONE
        rate = rule.rate
        if question.hint is False or not rate or self._draw() >= rate:
            return DROPPED
        rule.increment_sampled_count()
        return drawn(rate)

    @property
    def source(self) -> str:
        """Where decisions come from now: `x-ray` or `local`."""
        return "x-ray" if self._cache.last_updated else "local"

    def close(self) -> None:
        """Stop polling; a fetch under way is not waited for."""
        self._stop.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._stop.is_set():
                return
            thread = threading.Thread(target=self._poll, name=f"{THREAD_PREFIX}sampling", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no thread is to be had: the local rule decides, and the next request tries again
                return
            self._thread = thread

    def _poll(self) -> None:
        with suppress_instrumentation():
            poller = _Poller(self._cache, self._daemon, self._pace, self._clock)
            while not self._stop.wait(poller.turn()):
                pass


class _Rules(RuleCache):  # type: ignore[misc]  # the SDK publishes no types
    """The SDK's cache with a lock that deciding takes as well.

    While the SDK merges new rules into old ones, it takes the reservoir from the old and sorts in place: a request
    that holds an old rule would fail, and one that looks for a rule would find the wrong one or none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def load_rules(self, rules: list[Any]) -> None:
        """Replace the rules; those that stay keep their reservoirs and counts."""
        with self.lock:
            super().load_rules(rules)

    def load_targets(self, targets_dict: dict[str, Any]) -> None:
        """Take over rates and quotas."""
        with self.lock:
            super().load_targets(targets_dict)


class _Poller:
    """Keep the cache as X-Ray has it; forget it when the daemon does not answer several times in a row."""

    def __init__(self, cache: _Rules, daemon: tuple[str, int], pace: Pace, clock: Callable[[], float]) -> None:
        self._cache = cache
        self._daemon = daemon
        self._pace = pace
        self._clock = clock
        self._connector: Any = None
        self._rules_at = float("-inf")
        self._failures = 0
        self._said_at = float("-inf")

    def turn(self) -> float:
        """Fetch what is due; return the seconds until the next turn."""
        try:
            self._fetch()
        except Exception as error:  # noqa: BLE001 - whatever botocore raises must not end the thread
            return self._failed(error)
        self._failures = 0
        return self._pace.targets

    def _fetch(self) -> None:
        connector = self._connector = self._connector or connector_to(self._daemon, self._pace.time_limit)
        if time.monotonic() - self._rules_at >= self._pace.rules:
            self._fetch_rules(connector)
        used = [rule for rule in self._cache.rules if rule.ever_matched() and rule.time_to_report()]
        if used:
            targets, changed_at = connector.fetch_sampling_target(used)
            self._cache.load_targets(targets)
            if changed_at >= self._cache.last_updated:
                self._fetch_rules(connector)

    def _fetch_rules(self, connector: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        begun = int(self._clock())
        self._cache.load_rules(connector.fetch_sampling_rules())
        self._cache.last_updated = begun
        self._rules_at = time.monotonic()

    def _failed(self, error: Exception) -> float:
        self._failures += 1
        if self._failures == _GONE_AFTER:
            self._cache.last_updated = None
            self._rules_at = float("-inf")
            self._say(error)
        return min(self._pace.retry * 2.0 ** min(self._failures - 1, 10), self._pace.patience)

    def _say(self, error: Exception) -> None:
        """Warn, but of a daemon that comes and goes only now and then."""
        now = time.monotonic()
        if now - self._said_at >= _SAY_EVERY:
            self._said_at = now
            logger.warning(
                "X-Ray's sampling rules cannot be fetched from %s:%d (%s): the local rule decides until they can be",
                *self._daemon,
                error,
            )
