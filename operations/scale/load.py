"""What a load makes of a service: its tasks, what they call each second, and how much they send."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from operations.cost.scaling import UNITS
from operations.cost.telemetry import EVENT_BYTES
from operations.cost.traffic import Measured
from operations.cost.units import MINUTE_SECONDS
from operations.scale.service import ScaledService

INTERVAL: Final = 0.5
"""Seconds after which a sink sends a batch that is not full (`ExportQueue.interval`)."""
LOG_BATCH: Final = 512
"""Lines (`_BATCH_SIZE` of the CloudWatch sink)."""
SINK_TIMEOUT: Final = 8.0
"""Seconds that a call of a sink takes at most (`_TOTAL_TIMEOUT`, flask_onetrace/telemetry/export/http.py)."""
_TARGETS_INTERVAL: Final = 10.0
_RULES_INTERVAL: Final = 300.0
"""Seconds between two polls of a process (`PollingIntervals`)."""
_MAX_DOCUMENT: Final = 65_000
_DAEMON_BATCH: Final = 50
_DAEMON_UPLOADS: Final = 8
_DAEMON_TIMEOUT: Final = 2.0
"""Of the X-Ray daemon: segments of a call, calls at once, and their timeout in seconds (pkg/cfg/cfg.go)."""
_DAEMON_CPU: Final = 0.094 * UNITS / 1000
"""CPU units for each segment a second: 9.4 % of a vCPU at 1,000."""
_ITEMS_A_CAUSE: Final = 1.0
"""Rollbar items of one cause a second and process (`RATE`, sinks/rollbar/causes.py)."""
_PACKET: Final = 1500
"""Bytes: the largest packet on the internet's links (RFC 894)."""


@dataclass(frozen=True)
class Load:
    """`requests` a second on `service`, with as many tasks as its scaling policies ask for, whatever their maximum."""

    requests: float
    service: ScaledService
    measured: Measured
    failed_share: float
    latency: float
    """Seconds that a request takes."""

    @cached_property
    def tasks(self) -> float:
        """Desired tasks, whatever their maximum is."""
        return self._tasks_at(self.requests)

    def _tasks_at(self, requests: float) -> float:
        return self.service.scaling.tasks(requests, self.measured.requests_per_vcpu, without_maximum=True)

    @property
    def task_capacity(self) -> float:
        """Requests a second that a task's application container serves with its share of the CPU."""
        return self.service.scaling.serving_vcpu * self.measured.requests_per_vcpu

    @property
    def deploying_tasks(self) -> float:
        """Tasks while a rolling deployment runs old and new ones."""
        return self.tasks * self.service.maximum_percent / 100

    @property
    def deploying_vcpu(self) -> float:
        """The vCPU of those tasks."""
        return self.deploying_tasks * self.service.scaling.vcpu

    @property
    def spot_share(self) -> float:
        """Of the tasks: those above the minimum run on Fargate Spot, by the service's share."""
        return self.service.spot_share * (1 - self.service.scaling.minimum / self.tasks if self.tasks else 0.0)

    @property
    def launches(self) -> float:
        """Tasks that start when the load doubles to this one within a minute."""
        return self.tasks - self._tasks_at(self.requests / 2)

    @property
    def launches_per_second(self) -> float:
        """The same, spread over the minute."""
        return self.launches / MINUTE_SECONDS

    @property
    def processes(self) -> float:
        """Worker processes of all tasks."""
        return self.tasks * self.service.workers

    @cached_property
    def sampled(self) -> float:
        """Sampled requests a second."""
        return self.service.sampling.per_second(self.requests, self.failed_share, self.tasks)

    @property
    def failures(self) -> float:
        """Failed requests a second."""
        return self.requests * self.failed_share

    @property
    def segments(self) -> float:
        """Segment documents a second."""
        return self.sampled * max(1, math.ceil(self.measured.segment / _MAX_DOCUMENT))

    @property
    def segments_of_task(self) -> float:
        """Segment documents a second of each task."""
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
    def log_call_bytes(self) -> float:
        """Bytes of a PutLogEvents call."""
        lines = self.lines_of_process * self.processes
        return min(LOG_BATCH * self.log_bytes / lines, self.log_bytes / self.log_calls)

    @property
    def segment_calls(self) -> float:
        """PutTraceSegments calls a second of all daemons, which wait at most a second for a full batch."""
        rate = self.segments_of_task
        return self.tasks * max(min(rate, 1.0), rate / _DAEMON_BATCH)

    @property
    def sampling_calls(self) -> float:
        """GetSamplingTargets and GetSamplingRules calls a second."""
        return self.processes * (1 / _TARGETS_INTERVAL + 1 / _RULES_INTERVAL)

    @property
    def daemon_cpu(self) -> float:
        """CPU units that the daemon of a task takes."""
        return self.segments_of_task * _DAEMON_CPU

    @property
    def daemon_segments(self) -> float:
        """Segments that arrive at a daemon while an upload runs into its timeout."""
        return self.segments_of_task * _DAEMON_TIMEOUT

    @property
    def rollbar_items(self) -> float:
        """Items a second, of one cause."""
        return min(self.failures, self.processes * _ITEMS_A_CAUSE)

    @property
    def nat_bytes(self) -> float:
        """Bytes a second of a NAT gateway, HTTP headers and TLS left out."""
        measured, endpoints = self.measured, self.service.endpoints
        sent = self.sampled * measured.honeycomb + self.rollbar_items * measured.rollbar_item
        if "logs" not in endpoints:
            sent += self.requests * measured.cloudwatch_wire + self.failures * measured.failure_lines
        if "xray" not in endpoints:
            sent += self.sampled * measured.segment_wire
        return self._of_gateway(sent)

    @property
    def nat_packets(self) -> float:
        """Packets a second, acknowledgements included."""
        return 2 * self.nat_bytes / _PACKET

    @property
    def nat_connections(self) -> float:
        """Connections of a NAT gateway to the sink that has most."""
        daemons = 0 if "xray" in self.service.endpoints else self.tasks * _DAEMON_UPLOADS
        return self._of_gateway(max(self.processes, daemons))

    def _of_gateway(self, amount: float) -> float:
        """Return the share of each NAT gateway, 0 where there is none."""
        gateways = self.service.nat_gateways
        return amount / gateways if gateways else 0.0
