"""Build, put and read segments."""

from __future__ import annotations

import json
import secrets
import time
from datetime import UTC, datetime, timedelta

from tests.local.emulator.conftest import Client, Template


def new_trace_id(age: int = 0) -> str:
    return f"1-{int(time.time()) - age:08x}-{secrets.token_hex(12)}"


def segment(trace_id: str, /, **fields: object) -> Template:
    start = float(int(trace_id.split("-")[1], 16)) + 0.25
    return {
        "trace_id": trace_id,
        "id": secrets.token_hex(8),
        "name": "Backend-Flask",
        "start_time": start,
        "end_time": start + 0.5,
        **fields,
    }


def put_segments(xray: Client, *documents: Template | str) -> list[Template]:
    texts = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    unprocessed: list[Template] = xray.put_trace_segments(TraceSegmentDocuments=texts)["UnprocessedTraceSegments"]
    return unprocessed


def segments_of(xray: Client, trace_id: str) -> list[Template]:
    [trace] = xray.batch_get_traces(TraceIds=[trace_id])["Traces"]
    return [json.loads(each["Document"]) for each in trace["Segments"]]


def search(xray: Client, expression: str | None = None, minutes: float = 10, **more: object) -> list[Template]:
    now = datetime.now(UTC)
    request = {"StartTime": now - timedelta(minutes=minutes), "EndTime": now + timedelta(seconds=2), **more}
    if expression is not None:
        request["FilterExpression"] = expression
    summaries: list[Template] = xray.get_trace_summaries(**request)["TraceSummaries"]
    return summaries
