"""Follow the sampling rules and quotas that X-Ray gives out, fetched through the daemon's proxy.

The X-Ray SDK's own rules, reservoirs and connector do the work. Its pollers are not used: a fetch that fails,
as the first does while the sidecar is still starting, would be tried again after five minutes only.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from typing import Any

from aws_xray_sdk.core.sampling.reservoir import ReservoirDecision
from aws_xray_sdk.core.sampling.rule_cache import RuleCache
from opentelemetry.instrumentation.utils import suppress_instrumentation

from service.telemetry.batching import THREAD_PREFIX
from service.telemetry.forks import on_fork
from service.telemetry.sampling import DROPPED, ONE, Decision, Question, Sampler, drawn

logger = logging.getLogger(__name__)

_TARGETS_EVERY = 10.0
_RULES_EVERY = 300.0
"""What X-Ray's SDKs keep to: targets each 10 s, rules each 5 min ("Using sampling rules with the X-Ray API")."""
_RETRY_EVERY = 2.0
_GONE_AFTER = 3
_TIMEOUT = 3.0


class RemoteSampler:
    """Decide by X-Ray's rules; by `local` until they are first fetched, and when the daemon is gone."""

    def __init__(
        self,
        daemon: tuple[str, int],
        local: Sampler,
        *,
        clock: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._daemon = daemon
        self._local = local
        self._clock = clock
        self._draw = draw
        self._begin_anew()
        on_fork(self._begin_anew)

    def _begin_anew(self) -> None:
        self._cache = RuleCache()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def decide(self, question: Question) -> Decision:
        """Return the decision; the first call starts the polling thread."""
        if self._thread is None:
            self._start()
        now = int(self._clock())
        rule = self._cache.get_matched_rule(
            {"service": question.service, "host": question.host, "method": question.method, "path": question.path}, now
        )
        return self._local.decide(question) if rule is None else self._by_rule(rule, question, now)

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
        """Stop polling."""
        self._stop.set()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._poll, name=f"{THREAD_PREFIX}sampling", daemon=True)
                self._thread.start()

    def _poll(self) -> None:
        with suppress_instrumentation():
            poller = _Poller(self._cache, self._daemon)
            while not self._stop.wait(poller.turn()):
                pass


class _Poller:
    """Keep the cache as X-Ray has it; forget it when the daemon does not answer several times in a row."""

    def __init__(self, cache: Any, daemon: tuple[str, int]) -> None:  # noqa: ANN401 - the SDK publishes no types
        self._cache = cache
        self._daemon = daemon
        self._connector: Any = None
        self._rules_at = float("-inf")
        self._failures = 0

    def turn(self) -> float:
        """Fetch what is due; return the seconds until the next turn."""
        try:
            self._fetch()
        except Exception as error:  # noqa: BLE001 - whatever botocore raises must not end the thread
            return self._failed(error)
        if self._failures >= _GONE_AFTER:
            logger.info("X-Ray's sampling rules are followed again")
        self._failures = 0
        return _TARGETS_EVERY

    def _fetch(self) -> None:
        connector = self._connector = self._connector or _connector(self._daemon)
        if time.monotonic() - self._rules_at >= _RULES_EVERY:
            self._fetch_rules(connector)
        used = [rule for rule in self._cache.rules if rule.ever_matched() and rule.time_to_report()]
        if used:
            targets, changed_at = connector.fetch_sampling_target(used)
            self._cache.load_targets(targets)
            if changed_at > self._cache.last_updated:
                self._fetch_rules(connector)

    def _fetch_rules(self, connector: Any) -> None:  # noqa: ANN401 - the SDK publishes no types
        begun = int(time.time())
        self._cache.load_rules(connector.fetch_sampling_rules())
        self._cache.last_updated = begun
        self._rules_at = time.monotonic()

    def _failed(self, error: Exception) -> float:
        self._failures += 1
        if self._failures == _GONE_AFTER:
            self._cache.last_updated = None
            self._rules_at = float("-inf")
            logger.warning("X-Ray's sampling rules cannot be fetched (%s): the local rule decides meanwhile", error)
        return _RETRY_EVERY


def _connector(daemon: tuple[str, int]) -> Any:  # noqa: ANN401 - the SDK publishes no types
    """Return the SDK's connector to the daemon's proxy, with time limits: botocore's own are a minute."""
    import botocore.session  # noqa: PLC0415 - costly, and needed on this thread alone
    from aws_xray_sdk.core.sampling.connector import ServiceConnector  # noqa: PLC0415
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    config = Config(
        signature_version=UNSIGNED,
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        retries={"total_max_attempts": 1},
    )
    client = botocore.session.get_session().create_client(
        "xray", endpoint_url=f"http://{daemon[0]}:{daemon[1]}", region_name="us-east-1", config=config
    )
    connector = ServiceConnector()
    connector.setup_xray_client(ip=daemon[0], port=daemon[1], client=client)
    return connector
