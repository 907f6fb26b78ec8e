"""Count what the load balancers do, and publish it to CloudWatch once a minute.

Source: "CloudWatch metrics for your Application Load Balancer", User Guide: names, dimensions, and that a metric
without a value is not reported. In memory is only what the current minute adds up to.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from ministack.core.arn import parse_arn
from ministack.core.responses import request_scope

from local.emulator.metric_store import Point, put
from local.emulator.target_groups import load_balancers_of
from local.emulator.target_health import host_counts

NAMESPACE: Final = "AWS/ApplicationELB"
COUNTED_ERRORS: Final = frozenset({500, 502, 503, 504})
"""The load balancer's own errors that have a metric for each status."""

Resources = tuple[str, ...]
"""The ARN of a load balancer, alone or followed by that of a target group: the dimensions of a metric."""


@dataclass(slots=True)
class _Minute:
    counts: Counter[tuple[Resources, str]] = field(default_factory=Counter)
    """By resources and name of the metric."""
    seconds: defaultdict[Resources, Counter[float]] = field(default_factory=lambda: defaultdict(Counter))
    """How often each response time occurred."""
    hosts: defaultdict[tuple[Resources, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    """Samples of a number of targets."""

    def points(self) -> Iterator[tuple[Resources, str, Point]]:
        """Yield each metric's points."""
        for (resources, name), number in self.counts.items():
            yield resources, name, {"Value": 1.0, "Count": float(number), "Unit": "Count"}
        for resources, seconds in self.seconds.items():
            for value, number in seconds.items():
                yield resources, "TargetResponseTime", {"Value": value, "Count": float(number), "Unit": "Seconds"}
        for (resources, name), samples in self.hosts.items():
            statistics = {"SampleCount": len(samples), "Sum": sum(samples)}
            extremes = {"Minimum": min(samples), "Maximum": max(samples)}
            average = sum(samples) / len(samples)
            yield resources, name, {"Value": average, "_stat": statistics | extremes, "Unit": "Count"}


class LoadBalancerMetrics:
    """Collects the metrics of the current minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = _Minute()

    def count_request(self, balancer: str, group: str) -> None:
        """Count a request for which a target was chosen."""
        self._count("RequestCount", (balancer,), (balancer, group))

    def count_connection_error(self, balancer: str, group: str) -> None:
        """Count a target that could not be connected to."""
        self._count("TargetConnectionErrorCount", (balancer,), (balancer, group))

    def count_target_response(self, balancer: str, group: str, status: int, seconds: float) -> None:
        """Count a target's response by its class of status, and note the seconds until its headers arrived.

        They are kept as whole milliseconds of two digits, so that a minute has at most a few hundred values.
        """
        self._count(f"HTTPCode_Target_{status // 100}XX_Count", (balancer,), (balancer, group))
        rounded = float(f"{round(seconds, 3):.2g}")
        with self._lock:
            self._minute.seconds[balancer,][rounded] += 1
            self._minute.seconds[balancer, group][rounded] += 1

    def count_own_response(self, balancer: str, status: int) -> None:
        """Count an error or redirect of the load balancer itself."""
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            self._count(f"HTTPCode_ELB_{status // 100}XX_Count", (balancer,))
        if status in COUNTED_ERRORS:
            self._count(f"HTTPCode_ELB_{status}_Count", (balancer,))

    def sample_hosts(self) -> None:
        """Take a sample of the numbers of healthy and unhealthy targets."""
        for group, (healthy, unhealthy) in host_counts().items():
            for balancer in load_balancers_of(group):
                with self._lock:
                    self._minute.hosts[(balancer, group), "HealthyHostCount"].append(healthy)
                    self._minute.hosts[(balancer, group), "UnHealthyHostCount"].append(unhealthy)

    def publish(self, start: float) -> None:
        """Publish the minute that began at `start` (seconds since the epoch), and begin another."""
        with self._lock:
            minute, self._minute = self._minute, _Minute()
        for resources, name, point in minute.points():
            balancer = parse_arn(resources[0])
            dimensions = {"LoadBalancer": balancer.resource.removeprefix("loadbalancer/")}
            for group in resources[1:]:
                dimensions["TargetGroup"] = parse_arn(group).resource
            with request_scope(balancer.account_id, balancer.region):
                put(NAMESPACE, name, dimensions, point, start=start)

    def _count(self, name: str, *resources: Resources) -> None:
        with self._lock:
            for each in resources:
                self._minute.counts[each, name] += 1


METRICS: Final = LoadBalancerMetrics()
