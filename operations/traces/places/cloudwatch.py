"""Read the application's log group (Amazon CloudWatch Logs API Reference: FilterLogEvents)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from flask_onetrace.contract import ACCESS_LOGGER, LOGGER_FIELD, Output
from infra import console_urls
from operations.traces.deployment import Deployment
from operations.traces.document import Json
from operations.traces.errors import reading
from operations.traces.records import plain, text
from operations.traces.trace_ids import started

ACCESS_LINES: Final = f'{{ $.{LOGGER_FIELD} = "{ACCESS_LOGGER}" }}'
"""The filter pattern of the one line that each request writes."""
MAX_LINES: Final = 10_000
"""Of one trace."""
_PAGE: Final = 10_000
"""Events that one FilterLogEvents returns at most."""
_MARGIN: Final = 3600.0
"""Seconds before the start of a trace at which its lines are looked for: clocks differ."""
_REMEDY: Final = "Use credentials with logs:FilterLogEvents on the log group"


def lines(deployment: Deployment, trace_id: str) -> Sequence[Json]:
    """Return the log lines with a trace id, the oldest first. Raises `ReadError`."""
    begin = started(trace_id)
    since = 0 if begin is None else int((begin - _MARGIN) * 1000)
    events = islice(_events(deployment, f'"{trace_id}"', since), MAX_LINES)
    return sorted(map(line_of, events), key=lambda each: each["timestamp"])


def newest_lines(deployment: Deployment, since: int, pattern: str = ACCESS_LINES) -> Iterator[Json]:
    """Yield the lines that match a filter pattern since a time in milliseconds since the epoch. Raises `ReadError`.

    A line may come twice.
    """
    return map(line_of, _events(deployment, pattern, since))


def line_of(event: Json) -> Json:
    """Return an event of the API as `PlaceContent` describes it."""
    message = text(str(event.get("message", "")))
    return {
        "timestamp": int(event.get("timestamp", 0)),
        "stream": text(str(event.get("logStreamName", ""))),
        "message": message,
        "fields": _fields(message),
    }


def url(deployment: Deployment, trace_id: str) -> str:
    """Return the URL of a query for the trace's lines in the AWS console."""
    query = f'fields @timestamp, level, message\n| filter trace_id = "{trace_id}"\n| sort @timestamp asc'
    return console_urls.logs_insights(deployment.region, query=query, log_group=deployment.outputs[Output.LOG_GROUP])


def _events(deployment: Deployment, pattern: str, since: int) -> Iterator[Json]:
    group = deployment.outputs.get(Output.LOG_GROUP, deployment.names.log_group)
    with reading(f"The log group {group}", _REMEDY):
        while True:
            pages = deployment.aws.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=since
            )
            newest, count = since, 0
            for page in pages:
                count += len(page["events"])
                for event in page["events"]:
                    newest = max(newest, event["timestamp"])
                    yield dict(event)
            # The emulator returns the first events and no token of a next page.
            if count != _PAGE or newest == since:
                return
            since = newest


def _fields(message: str) -> Json:
    if not message.startswith("{"):
        return {}
    try:
        fields: Any = json.loads(message)
    except (ValueError, RecursionError):
        return {}
    return plain(fields) if isinstance(fields, dict) else {}
