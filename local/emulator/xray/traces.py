"""Write and read traces. Source: X-Ray API reference, PutTraceSegments, BatchGetTraces, GetTraceSummaries."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region

from local.emulator.json_api import Json, ServiceError
from local.emulator.xray import groups, transaction_search
from local.emulator.xray.filter_expressions import compile_filter
from local.emulator.xray.segment_documents import TRACE_ID, Document, InvalidDocumentError, parse
from local.emulator.xray.summaries import summarize
from local.emulator.xray.trace_store import TraceStore
from local.emulator.xray.trace_view import TraceView

MAX_DOCUMENTS: Final = 50
MAX_TRACE_IDS: Final = 5
PAGE_SIZE: Final = 100
MAX_RANGE: Final = 6 * 3600
"""Seconds: the longest time range of GetTraceSummaries."""

_stores: Final[dict[tuple[str, str], TraceStore]] = {}


def _store() -> TraceStore:
    return _stores.setdefault((get_account_id(), get_region()), TraceStore())


def put_trace_segments(request: Json) -> Json:
    """Store up to 50 documents; the response lists the rejected ones with the reason."""
    parsed = [_parse(each) for each in _list(request, "TraceSegmentDocuments", MAX_DOCUMENTS)]
    documents = [each for each in parsed if isinstance(each, Document)]
    errors = [each for each in parsed if not isinstance(each, Document)]
    if transaction_search.is_on():
        transaction_search.store_spans(documents)
        documents = [each for each in documents if transaction_search.is_indexed(each.trace_id)]
    errors += [_too_large(each) for each in documents if not _store().add(each)]
    return {"UnprocessedTraceSegments": errors}


def _parse(text: Any) -> Document | Json:  # noqa: ANN401 - a JSON value of any kind
    """Return the document, or why it is not processed."""
    try:
        return parse(text if isinstance(text, str) else "null")
    except InvalidDocumentError as error:
        identity = {"Id": error.segment_id} if error.segment_id is not None else {}
        return {**identity, "ErrorCode": error.code, "Message": str(error)}


def _too_large(document: Document) -> Json:
    message = f"Invalid segment. ErrorCode: TraceTooLarge, Cause: trace {document.trace_id} is full"
    return {"Id": document.id, "ErrorCode": "TraceTooLarge", "Message": message}


def put_telemetry_records(request: Json) -> Json:
    """Accept and discard a daemon's telemetry records."""
    if not isinstance(request.get("TelemetryRecords"), list):
        raise ServiceError("InvalidRequestException", "TelemetryRecords is missing")
    return {}


def batch_get_traces(request: Json) -> Json:
    """Return up to 5 traces, the subsegments embedded in their segments."""
    traces, unprocessed = [], []
    for trace_id in _list(request, "TraceIds", MAX_TRACE_IDS):
        segments = _store().segments(trace_id)
        if not segments:
            unprocessed.append(trace_id)
            continue
        view = TraceView(trace_id, tuple(segments))
        documents = [{"Id": segment["id"], "Document": json.dumps(segment)} for segment in segments]
        traces.append({"Id": trace_id, "Duration": view.duration, "LimitExceeded": False, "Segments": documents})
    return {"Traces": traces, "UnprocessedTraceIds": unprocessed}


def _list(request: Json, name: str, limit: int) -> list[Any]:
    items = request.get(name)
    if not isinstance(items, list):
        raise ServiceError("InvalidRequestException", f"{name} is missing")
    if len(items) > limit:
        raise ServiceError("InvalidRequestException", f"{name} has {len(items)} members; {limit} are allowed")
    return items


def get_trace_summaries(request: Json) -> Json:
    """Return a page of the summaries of the traces in a time range that match a filter expression."""
    start, end = _range(request)
    expression = request.get("FilterExpression")
    matches = compile_filter(expression, groups.filters()) if expression else lambda _trace: True
    by_event = request.get("TimeRangeType") == "Event"
    summaries: list[Json] = []
    processed, last, token = 0, "", None
    for trace_id in _after(request.get("NextToken")):
        if len(summaries) == PAGE_SIZE:
            token = last
            break
        if not by_event and not start <= int(trace_id.split("-")[1], 16) <= end:
            continue
        view = TraceView(trace_id, tuple(_store().segments(trace_id)))
        if by_event and not start <= view.start <= end + 1:
            continue
        processed += 1
        if matches(view):
            summaries.append(summarize(view))
            last = trace_id
    return {
        "TraceSummaries": summaries,
        "TracesProcessedCount": processed,
        "ApproximateTime": time.time(),
        **({"NextToken": token} if token is not None else {}),
    }


def _after(token: Any) -> Iterator[str]:  # noqa: ANN401 - a JSON value of any kind
    """Yield the ids of the traces that a page is made of: those after the last one of the page before."""
    if token is None:
        return iter(_store())
    if not isinstance(token, str) or not TRACE_ID.fullmatch(token):
        raise ServiceError("InvalidRequestException", f"NextToken {token!r} is not one of this service")
    ids = list(_store())
    return iter(ids[ids.index(token) + 1 :] if token in ids else ids)


def _range(request: Json) -> tuple[float, float]:
    start, end = request.get("StartTime"), request.get("EndTime")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise ServiceError("InvalidRequestException", "StartTime and EndTime are needed, in epoch seconds")
    if end < start or end - start > MAX_RANGE:
        raise ServiceError("InvalidRequestException", f"EndTime must follow StartTime within {MAX_RANGE} seconds")
    if request.get("TimeRangeType", "TraceId") not in {"TraceId", "Event"}:
        raise ServiceError("InvalidRequestException", f"not emulated: TimeRangeType {request['TimeRangeType']}")
    return start, end
