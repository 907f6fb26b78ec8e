"""The traffic that an estimate is for, and what the bench has measured of a request."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from operations.cost.units import HOURS

MEASURED: Final = Path(__file__).with_name("measured.json")
"""Written by `python -m bench.request_bytes --publish`."""

DEFAULT_FAILURE_RATE: Final = 0.0
"""Of the requests, where none is given: no failure is assumed, in cost and scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What the clients do. None takes what the template or the bench says."""

    requests: float
    """A second, on average over `hours`."""
    hours: float = HOURS
    """Of a month, in which the stacks exist and the requests come."""
    sampled_share: float | None = None
    """Of the requests that X-Ray records, 0 to 1; None applies the template's sampling rules."""
    line_bytes: float | None = None
    """Of a request's line in the log group in UTF-8, without CloudWatch's 26 bytes; None is the measured mean."""
    failed_share: float = DEFAULT_FAILURE_RATE
    """Of the requests that raise an error, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Means of one request of the bench's mix (`bench/request_bytes`), in bytes unless named otherwise.

    On the wire is what an exporter sends, with HTTP headers and without TLS, in the batches of 50 requests a second.
    """

    measured_on: str
    """ISO date."""
    machine: str
    """Its cores and version of Python: `requests_per_vcpu` is of it, and a vCPU of Fargate differs."""
    log_line: float
    """Of one line in UTF-8, without CloudWatch's 26 bytes for each event."""
    log_lines: float
    """Number of lines of a request: the access line, and what its handler logs."""
    health_check_line: float
    """0 where health checks write none."""
    failure_lines: float
    """Of the lines that a failing request writes beyond `log_lines` of `log_line`."""
    failure_log_lines: float
    """Their number."""
    start_output: float
    """Of the container's standard output and error, which `awslogs` ships, until the service is ready."""
    output: float
    """Of the same, of a request, failing or not."""
    segment: float
    """Of a sampled request's segment document, with its subsegments."""
    segment_wire: float
    """Of the same as a JSON string in the daemon's PutTraceSegments."""
    spans: float
    """Number of spans of a sampled request."""
    span: float
    """Of one span as CloudWatch would store it, by Transaction Search: JSON in UTF-8."""
    honeycomb: float
    """On the wire to Honeycomb, of a sampled request's spans."""
    rollbar_item: float
    """On the wire to Rollbar, of a request that fails."""
    cloudwatch_wire: float
    """On the wire to CloudWatch, of a request's lines."""
    request: float
    """That the load balancer exchanges with a client: request and response, with headers."""
    response: float
    """Of them the response, which goes out to the internet."""
    requests_per_vcpu: float
    """A second, by the CPU time of a worker's process with all four sinks, each request sampled."""
    worker_memory: float
    """MiB of one gunicorn worker under load, resident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """What one worker sends a second at a rate of requests, each sampled."""

    requests: float
    """A second."""
    put_log_events: float
    """Calls a second."""
    honeycomb_requests: float
    """A second."""
    datagrams: float
    """A second to the X-Ray daemon: each is one document."""
    cloudwatch_wire: float
    """Bytes a request on the wire to CloudWatch."""
    honeycomb: float
    """Bytes a request on the wire to Honeycomb."""


def measured(path: Path = MEASURED) -> Measured:
    """Return what the bench has published of a request."""
    return Measured(**json.loads(path.read_text(encoding="utf-8"))["request"])


def exports(path: Path = MEASURED) -> Sequence[Exports]:
    """Return what the bench has published of a worker, the lowest rate first."""
    return [Exports(**each) for each in json.loads(path.read_text(encoding="utf-8"))["exports"]]
