"""Follow X-Ray's sampling boosts: a rule may have its rate raised for a minute while requests fail.

A rule with a `SamplingRateBoost` allows it. X-Ray decides on it by the counts of failed requests that
`GetSamplingTargets` carries, and grants it in the response (X-Ray API reference, `SamplingBoostStatisticsDocument` and
`SamplingBoost`).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

Document = Mapping[str, Any]

_MAX_DOCUMENTS: Final = 25
"""Of a request ("SamplingBoostStatisticsDocumentList", the API's own limit)."""


class _Boost:
    """The counts of one rule since the last report, and the boost that X-Ray has granted."""

    def __init__(self) -> None:
        self.total = self.anomalies = self.sampled_anomalies = 0
        self.reported_at = 0
        """Seconds since the epoch."""
        self.rate = 0.0
        self.until = 0.0
        """Seconds since the epoch."""


class Boosts:
    """The rules that X-Ray may boost, by name."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._lock = threading.Lock()
        self._boosts: dict[str, _Boost] = {}

    def load_rules(self, rules: list[Document]) -> None:
        """Learn from the documents of `GetSamplingRules` which rules may be boosted."""
        names = {str(rule.get("RuleName")) for rule in rules if rule.get("SamplingRateBoost")}
        with self._lock:
            self._boosts = {name: self._boosts.get(name) or _Boost() for name in names}

    def rate(self, rule: str, rate: float, now: float) -> tuple[float, str | None]:
        """Count a request; return the rate that applies to it, and the rule's name if it may be boosted."""
        boost = self._boosts.get(rule)
        if boost is None:
            return rate, None
        with self._lock:
            boost.total += 1
        return max(rate, boost.rate) if now < boost.until else rate, rule

    def count_anomaly(self, rule: str, *, sampled: bool) -> None:
        """Count a request that failed or was slow."""
        boost = self._boosts.get(rule)
        if boost is not None:
            with self._lock:
                boost.anomalies += 1
                boost.sampled_anomalies += sampled

    def has_counts(self, rule: str) -> bool:
        """Return whether there is something of the rule to report, as after a report that failed."""
        boost = self._boosts.get(rule)
        return boost is not None and boost.total > 0

    def statistics(self, now: int) -> list[dict[str, Any]]:
        """Return the counts since the last call, as `GetSamplingTargets` takes them.

        Of more rules than it takes, those that have waited longest.
        """
        documents = []
        with self._lock:
            counted = [(name, boost) for name, boost in self._boosts.items() if boost.total]
            for name, boost in sorted(counted, key=lambda each: each[1].reported_at)[:_MAX_DOCUMENTS]:
                document = {"RuleName": name, "ServiceName": self._service, "Timestamp": now}
                counts = {"AnomalyCount": boost.anomalies, "TotalCount": boost.total}
                documents.append({**document, **counts, "SampledAnomalyCount": boost.sampled_anomalies})
                boost.total = boost.anomalies = boost.sampled_anomalies = 0
                boost.reported_at = now
        return documents

    def restore(self, statistics: list[dict[str, Any]]) -> None:
        """Count again what `statistics` has returned, and could not be reported."""
        with self._lock:
            for each in statistics:
                boost = self._boosts.get(each["RuleName"])
                if boost is not None:
                    boost.total += each["TotalCount"]
                    boost.anomalies += each["AnomalyCount"]
                    boost.sampled_anomalies += each["SampledAnomalyCount"]

    def load_targets(self, targets: list[Document]) -> None:
        """Take the boosts of the response."""
        for each in targets:
            boost, granted = self._boosts.get(str(each.get("RuleName"))), each.get("SamplingBoost")
            if boost is not None and granted:
                boost.rate, boost.until = float(granted["BoostRate"]), float(granted["BoostRateTTL"])
