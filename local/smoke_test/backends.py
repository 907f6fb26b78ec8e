"""Look up a trace in each telemetry backend: Honeycomb, X-Ray, CloudWatch Logs and Rollbar."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.summaries import summarize_items, summarize_log_lines, summarize_segments, summarize_spans
from local.workspace.http_client import direct_client
from local.workspace.ports import LOOPBACK
from local.workspace.state import FakePorts

TIMEOUT_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class TelemetryBackend:
    """`find` returns a summary of what the backend has of a trace id, None while it has nothing."""

    name: str
    find: Callable[[str], str | None]


def telemetry_backends(aws: EmulatedAws, fakes: FakePorts, log_group: str) -> dict[str, TelemetryBackend]:
    """Return the four backends by name."""
    xray, logs = aws.xray, aws.logs
    honeycomb_url, rollbar_url = (f"http://{LOOPBACK}:{port}" for port in (fakes.honeycomb, fakes.rollbar))

    def find_spans(trace_id: str) -> str | None:
        return summarize_spans(_get(f"{honeycomb_url}/traces/{trace_id}"))

    def find_segments(trace_id: str) -> str | None:
        traces = xray.batch_get_traces(TraceIds=[xray_id(trace_id)])["Traces"]
        documents = [json.loads(segment["Document"]) for trace in traces for segment in trace.get("Segments", [])]
        return summarize_segments(documents)

    def find_log_lines(trace_id: str) -> str | None:
        events = logs.filter_log_events(logGroupName=log_group, filterPattern=f'"{trace_id}"')["events"]
        return summarize_log_lines([event["message"] for event in events if trace_id in event["message"]])

    def find_items(trace_id: str) -> str | None:
        return summarize_items(_get(f"{rollbar_url}/items", trace_id=trace_id))

    finders = {
        "Honeycomb": find_spans,
        "X-Ray": find_segments,
        "CloudWatch Logs": find_log_lines,
        "Rollbar": find_items,
    }
    return {name: TelemetryBackend(name, find) for name, find in finders.items()}


def xray_id(trace_id: str) -> str:
    """Return 32 hex digits in X-Ray's format, `1-<8 digits>-<24 digits>`."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"


def _get(url: str, **query: str) -> list[dict[str, Any]]:
    with direct_client() as client:
        response = client.get(url, params=query, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        items: list[dict[str, Any]] = response.json()
        return items
