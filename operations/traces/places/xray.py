"""Read X-Ray (AWS X-Ray API Reference: BatchGetTraces, GetTraceSummaries)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from infra import console_urls
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.errors import reading
from operations.traces.summary import number
from operations.traces.trace_ids import xray_trace_id

MAX_RANGE: Final = 6 * 3600
"""Seconds that one GetTraceSummaries covers at most."""
REMEDY: Final = "Use credentials with xray:BatchGetTraces, xray:GetTraceSummaries and xray:GetSamplingRules"


def segments(deployment: Deployment, trace_id: str) -> Sequence[Json]:
    """Return the segment documents of a trace, the first to start first. Raises `ReadError`."""
    with reading("X-Ray", REMEDY):
        traces = deployment.aws.xray.batch_get_traces(TraceIds=[xray_trace_id(trace_id)])["Traces"]
    texts = [segment.get("Document", "") for trace in traces for segment in trace.get("Segments", [])]
    return sorted(filter(None, map(_document, texts)), key=_start)


def summaries(deployment: Deployment, start: float, end: float) -> Iterator[Json]:
    """Yield the summaries of the traces that started between two times, in seconds since the epoch.

    The times are at most `MAX_RANGE` apart. Raises `ReadError`.
    """
    expression = deployment.names.xray_filter_with_renamed
    with reading("X-Ray", REMEDY):
        pages = deployment.aws.xray.get_paginator("get_trace_summaries").paginate(
            StartTime=datetime.fromtimestamp(start, UTC),
            EndTime=datetime.fromtimestamp(end, UTC),
            FilterExpression=expression,
        )
        for page in pages:
            for each in page.get("TraceSummaries", []):
                yield dict(each)


def is_transaction_search_on(deployment: Deployment) -> bool:
    """Return whether segments are kept in CloudWatch Logs, of which X-Ray indexes a share. Raises `ReadError`."""
    with reading("X-Ray", REMEDY):
        return deployment.aws.xray.get_trace_segment_destination().get("Destination") == "CloudWatchLogs"


def url(deployment: Deployment, trace_id: str) -> str:
    """Return the URL of the trace in the AWS console."""
    return console_urls.xray_trace(deployment.region, xray_trace_id(trace_id))


def _document(text: str) -> Json | None:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _start(document: Json) -> float:
    return number(document.get("start_time"))
