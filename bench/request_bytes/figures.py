"""Calculate the published figures of a run."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean, median

import orjson

from bench.request_bytes.measurement import RATE, Load, Phase, Run
from bench.request_bytes.recording import Recording
from operations.cost.traffic import Exports, Measured


def measured(run: Run) -> Measured:
    """Return the means of a request at RATE, each request sampled."""
    requests, failures, health_checks = run.rates[RATE], run.failures, run.health_checks
    lines = _sizes(requests.received.messages())
    log_line, log_lines = fmean(lines), len(lines) / requests.count
    failure_lines = _sizes(failures.received.messages())
    spans = [len(orjson.dumps(span)) for span in requests.received.spans()]
    documents = requests.received.documents()
    count = sum(phase.count for phase in (health_checks, failures, *run.rates.values()))
    response = fmean(each.response for each in requests.exchanges)
    return Measured(
        measured_on=datetime.now(UTC).date().isoformat(),
        machine=_machine(),
        log_line=log_line,
        log_lines=log_lines,
        health_check_line=sum(_sizes(health_checks.received.messages())) / health_checks.count,
        failure_lines=sum(failure_lines) / failures.count - log_lines * log_line,
        failure_log_lines=len(failure_lines) / failures.count - log_lines,
        start_output=run.start_output,
        output=run.output / count,
        segment=sum(_sizes(documents)) / requests.count,
        # The daemon's request has each document as a JSON string ("PutTraceSegments", AWS X-Ray API Reference).
        segment_wire=sum(len(json.dumps(each.decode())) for each in documents) / requests.count,
        spans=len(spans) / requests.count,
        span=fmean(spans),
        honeycomb=_wire(requests.received, "honeycomb") / requests.count,
        rollbar_item=fmean(post.wire for post in failures.received.posts["rollbar"]),
        cloudwatch_wire=_wire(requests.received, "cloudwatch") / requests.count,
        request=fmean(each.request for each in requests.exchanges) + response,
        response=response,
        requests_per_vcpu=1 / median(load.cpu for load in run.loads),
        worker_memory=max(load.memory for load in run.loads),
    )


def exports(run: Run) -> list[Exports]:
    """Return what the worker sent a second, the lowest rate of requests first; the last is as many as it served."""
    phases: list[Phase | Load] = [*run.rates.values(), run.loads[-1]]
    return [_exports(phase) for phase in phases]


def _exports(phase: Phase | Load) -> Exports:
    received = phase.received
    return Exports(
        requests=phase.count / phase.seconds,
        put_log_events=len(received.log_requests) / phase.seconds,
        honeycomb_requests=len(received.posts["honeycomb"]) / phase.seconds,
        datagrams=len(received.datagrams) / phase.seconds,
        cloudwatch_wire=_wire(received, "cloudwatch") / phase.count,
        honeycomb=_wire(received, "honeycomb") / phase.count,
    )


def _sizes(texts: Sequence[bytes]) -> list[int]:
    return [len(text) for text in texts]


def _wire(received: Recording, sink: str) -> int:
    return sum(post.wire for post in received.posts[sink])


def _machine() -> str:
    """Name the machine by its cores, as Linux does, and the version of Python."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"
