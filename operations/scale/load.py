"""Calculate what a load makes of a service: its tasks, their calls a second, and the bytes that they send."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from operations.cost.telemetry import EVENT_BYTES
from operations.cost.traffic import Measured
from operations.scale.service import ScaledService

INTERVAL: Final = 0.5
"""Seconds after which a sink sends a batch that is not full (`ExportQueue.interval`)."""
LOG_BATCH: Final = 512
"""Lines (`_BATCH_SIZE` of the CloudWatch sink)."""
ITEMS_PER_CAUSE: Final = 1.0
"""Rollbar items of one cause a second and process (`RATE`, sinks/rollbar/causes.py)."""
_MAX_DOCUMENT: Final = 65_000
_DAEMON_BATCH: Final = 50
_DAEMON_UPLOADS: Final = 8
"""Of the X-Ray daemon: segments of a call, and calls at once (pkg/cfg/cfg.go)."""


@dataclass(frozen=True)
class Load:
    """`requests` a second on `service`, with the tasks that its scaling policies ask for, beyond their maximum too."""

    requests: float
    service: ScaledService
    measured: Measured
    failed_share: float
    latency: float
    """Seconds that a request takes."""

    @cached_property
    def tasks(self) -> float:
        """Desired tasks."""
        return self._tasks_at(self.requests)

    def _tasks_at(self, requests: float) -> float:
        return self.service.scaling.tasks(requests, self.measured.requests_per_vcpu, without_maximum=True)

    @property
    def deploying_tasks(self) -> float:
        """Tasks while a rolling deployment runs old and new ones."""
        return self.tasks * self.service.maximum_percent / 100

    @property
    def spot_share(self) -> float:
        """Of the tasks: those above the minimum run on Fargate Spot, by the service's share."""
        return self.service.spot_share * (1 - self.service.scaling.minimum / self.tasks)

    @property
    def launches(self) -> float:
        """Tasks a minute that start where the load doubles to this one within a minute."""
        return self.tasks - self._tasks_at(self.requests / 2)

    @property
    def processes(self) -> float:
        """Worker processes of all tasks."""
        return self.tasks * self.service.workers

    @cached_property
    def sampled_requests(self) -> float:
        """Sampled requests a second."""
        return self.service.sampling.per_second(self.requests, self.failed_share, self.tasks)

    @property
    def failures(self) -> float:
        """Failed requests a second."""
        return self.requests * self.failed_share

    @property
    def segments(self) -> float:
        """Segment documents a second."""
        return self.sampled_requests * max(1, math.ceil(self.measured.segment / _MAX_DOCUMENT))

    @property
    def segments_per_task(self) -> float:
        """Segment documents a second of a task."""
        return self.segments / self.tasks

    @property
    def lines_of_process(self) -> float:
        """Log lines a second of each process."""
        measured = self.measured
        return (self.requests * measured.log_lines + self.failures * measured.failure_log_lines) / self.processes

    @property
    def log_calls(self) -> float:
        """PutLogEvents calls a second."""
        rate = self.requests / self.processes
        return self.processes * max(min(rate, 1 / INTERVAL), self.lines_of_process / LOG_BATCH)

    @property
    def log_bytes(self) -> float:
        """Bytes a second of the lines of all requests, as CloudWatch Logs counts them."""
        measured = self.measured
        of_failures = self.failures * (measured.failure_lines + measured.failure_log_lines * EVENT_BYTES)
        return self.requests * measured.log_lines * (measured.log_line + EVENT_BYTES) + of_failures

    @property
    def segment_calls(self) -> float:
        """PutTraceSegments calls a second of all daemons, which wait at most a second for a full batch."""
        rate = self.segments_per_task
        return self.tasks * max(min(rate, 1.0), rate / _DAEMON_BATCH)

    @property
    def rollbar_items(self) -> float:
        """Items a second, of one cause."""
        return min(self.failures, self.processes * ITEMS_PER_CAUSE)

    @property
    def nat_bytes(self) -> float:
        """Bytes a second through a NAT gateway, without TLS and the daemon's HTTP headers."""
        measured, endpoints = self.measured, self.service.endpoints
        size = self.sampled_requests * measured.honeycomb + self.rollbar_items * measured.rollbar_item
        if "logs" not in endpoints:
            size += self.requests * measured.cloudwatch_wire + self.failures * measured.failure_lines
        if "xray" not in endpoints:
            size += self.sampled_requests * measured.segment_wire
        return size / self.service.nat_gateways

    @property
    def nat_connections(self) -> float:
        """Connections of a NAT gateway to the sink that has most."""
        daemons = 0 if "xray" in self.service.endpoints else self.tasks * _DAEMON_UPLOADS
        return max(self.processes, daemons) / self.service.nat_gateways
