"""Sample by X-Ray's centralized rules and quotas, fetched through the daemon's proxy.

The X-Ray SDK's own rules, reservoirs and connector are used, but not its pollers: they retry a failed fetch after five
minutes only, and the first fetch fails while the sidecar is still starting.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from opentelemetry.instrumentation.utils import suppress_instrumentation

from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.export.threads import new_thread
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sampling.boost import Boosts
from flask_onetrace.telemetry.sampling.daemon_client import connector_to
from flask_onetrace.telemetry.sampling.lean_import import ReservoirDecision, RuleCache
from flask_onetrace.telemetry.sampling.rule import (
    NOT_SAMPLED,
    RESERVOIR_HIT,
    Decision,
    Sampler,
    Subject,
    fixed_rate,
    random_draw,
)

logger = safe_logger(__name__)

_MAX_FAILURES = 3
_WARNING_INTERVAL = 600.0


class PollingIntervals(NamedTuple):
    """How often the daemon is polled, in seconds.

    X-Ray's SDKs fetch targets every 10 s and rules every 5 min ("Using sampling rules with the X-Ray API"). A failed
    fetch is retried after `retry`, then after twice as long each time, up to `max_retry`.
    """

    targets: float = 10.0
    rules: float = 300.0
    retry: float = 2.0
    max_retry: float = 30.0
    timeout: float = 3.0


_DEFAULT_INTERVALS = PollingIntervals()


class RemoteSampler:
    """Decide by X-Ray's rules; by `local` before the first fetch, and while the daemon is unavailable."""

    def __init__(
        self,
        daemon: tuple[str, int],
        local: Sampler,
        service: str = "",
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random_draw,
        intervals: PollingIntervals = _DEFAULT_INTERVALS,
    ) -> None:
        self._daemon = daemon
        self._local = local
        self._service = service
        self._clock = clock
        self._draw = draw
        self._intervals = intervals
        self._reset()
        on_fork(self._reset)

    def _reset(self) -> None:
        self._cache = _LockedRuleCache()
        self.boosts = Boosts(self._service)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self.decide: Callable[[Subject], Decision] = self._start_deciding
        """Return the decision. It is replaced as rules come and go: a method that looks would cost each request."""

    def _start_deciding(self, request: Subject) -> Decision:
        """Return the decision of the first request, which starts the polling thread."""
        self._start()
        return self._local.decide(request)  # however fast the first fetch is

    def _decide_by_rules(self, request: Subject) -> Decision:
        now = int(self._clock())
        fields = {"service": request.service, "host": request.host, "method": request.method, "path": request.path}
        with self._cache.lock:
            rule = self._cache.get_matched_rule(fields, now)
            if rule is not None:
                return self._apply(rule, request, now)
        return self._local.decide(request)

    def _follow(self, *, rules: bool) -> None:
        """Decide by X-Ray's rules from now on, or by the local sampler."""
        self.decide = self._decide_by_rules if rules else self._local.decide

    def _apply(self, rule: Any, request: Subject, now: int) -> Decision:  # noqa: ANN401 - the SDK publishes no types
        rule.increment_request_count()
        rate, boosted_rule = self.boosts.rate(rule.name, rule.rate, now)
        reserved = rule.reservoir.borrow_or_take(now, rule.can_borrow)
        if reserved is ReservoirDecision.BORROW:
            rule.increment_borrow_count()
        elif reserved is ReservoirDecision.TAKE:
            rule.increment_sampled_count()
        elif request.hint is False:
            return NOT_SAMPLED if boosted_rule is None else NOT_SAMPLED._replace(boosted_rule=boosted_rule)
        else:
            decision = fixed_rate(rate, boosted_rule).decide(self._draw())
            if decision.sampled:
                rule.increment_sampled_count()
            return decision
        return RESERVOIR_HIT if boosted_rule is None else RESERVOIR_HIT._replace(boosted_rule=boosted_rule)

    def count_anomaly(self, decision: Decision, *, sampled: bool) -> None:
        """Count a request that failed or was slow, for the boost of its rule."""
        if decision.boosted_rule is not None:
            self.boosts.count_anomaly(decision.boosted_rule, sampled=sampled)

    @property
    def source(self) -> str:
        """Where decisions come from now: `x-ray` or `local`."""
        return "x-ray" if self._cache.last_updated else "local"

    def close(self) -> None:
        """Stop polling, without waiting for a fetch in progress."""
        self._stop.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None or self._stop.is_set():
                return
            thread = new_thread("sampling", self._poll)
            self._follow(rules=False)  # before the thread, which may be faster
            try:
                thread.start()
            except RuntimeError:
                # The system has no thread left: the local rule decides, and the next request tries again.
                self.decide = self._start_deciding
                return
            self._thread = thread

    def _poll(self) -> None:
        with suppress_instrumentation():
            poller = _Poller(
                self._cache,
                self.boosts,
                self._daemon,
                intervals=self._intervals,
                clock=self._clock,
                follow=self._follow,
            )
            while not self._stop.wait(poller.poll()):
                pass


class _LockedRuleCache(RuleCache):  # type: ignore[misc]  # the SDK publishes no types
    """The SDK's cache with a lock, which is also held while deciding.

    To merge new rules into old ones, the SDK moves reservoirs and sorts in place: meanwhile a decision by an old rule
    would fail, and a look-up would return the wrong rule or none.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()

    def load_rules(self, rules: list[Any]) -> None:
        """Replace the rules; rules that remain keep their reservoirs and counts."""
        with self.lock:
            super().load_rules(rules)

    def load_targets(self, targets_dict: dict[str, Any]) -> None:
        """Update rates and quotas."""
        with self.lock:
            super().load_targets(targets_dict)


class _Poller:
    """Keep the cache up to date; clear it when the daemon has failed several times in a row."""

    def __init__(
        self,
        cache: _LockedRuleCache,
        boosts: Boosts,
        daemon: tuple[str, int],
        *,
        intervals: PollingIntervals,
        clock: Callable[[], float],
        follow: Callable[..., None],
    ) -> None:
        self._cache = cache
        self._follow = follow
        self._boosts = boosts
        self._daemon = daemon
        self._intervals = intervals
        self._clock = clock
        self._connector: Any = None
        self._rules_fetched_at = float("-inf")
        self._failures = 0
        self._warned_at = float("-inf")

    def poll(self) -> float:
        """Fetch what is due; return the seconds until the next poll."""
        try:
            self._fetch()
        except Exception as error:  # noqa: BLE001 - no exception of the SDK may end the thread
            return self._record_failure(error)
        self._failures = 0
        return self._intervals.targets

    def _fetch(self) -> None:
        connector = self._connector = self._connector or connector_to(
            self._daemon, self._intervals.timeout, self._boosts
        )
        if time.monotonic() - self._rules_fetched_at >= self._intervals.rules:
            self._fetch_rules(connector)
        counted = [rule for rule in self._cache.rules if rule.ever_matched() or self._boosts.has_counts(rule.name)]
        reportable = [rule for rule in counted if rule.time_to_report()]
        if reportable:
            targets, changed_at = connector.fetch_sampling_target(reportable)
            self._cache.load_targets(targets)
            if changed_at >= self._cache.last_updated:
                self._fetch_rules(connector)

    def _fetch_rules(self, connector: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        started = int(self._clock())
        self._cache.load_rules(connector.fetch_sampling_rules())
        self._cache.last_updated = started
        self._follow(rules=True)
        self._rules_fetched_at = time.monotonic()

    def _record_failure(self, error: Exception) -> float:
        self._failures += 1
        if self._failures == _MAX_FAILURES:
            self._cache.last_updated = None
            self._follow(rules=False)
            self._rules_fetched_at = float("-inf")
            self._warn(error)
        return min(self._intervals.retry * 2.0 ** min(self._failures - 1, 10), self._intervals.max_retry)

    def _warn(self, error: Exception) -> None:
        """Warn, at most every ten minutes: a daemon may be down repeatedly."""
        now = time.monotonic()
        if now - self._warned_at >= _WARNING_INTERVAL:
            self._warned_at = now
            logger.warning(
                "cannot fetch X-Ray sampling rules from %s:%d (%s): using the local rule until the daemon answers",
                *self._daemon,
                error,
            )
