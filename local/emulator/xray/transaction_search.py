"""Emulate Transaction Search: segments become spans in a log group, and X-Ray indexes a share of the traces.

Sources: X-Ray API reference, UpdateTraceSegmentDestination and UpdateIndexingRule; CloudWatch user guide, "Transaction
Search". Not emulated: the time until a change is active, the resource policy that lets X-Ray write to CloudWatch Logs,
and the spike protection, by which the indexed share is larger where there are few traces.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any, Final

from ministack.services import cloudwatch_logs

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import new_store
from local.emulator.xray.segment_documents import Document, children_of, is_time, walk

SPANS: Final = "aws/spans"
STREAM: Final = "default"
XRAY: Final = "XRay"
CLOUDWATCH_LOGS: Final = "CloudWatchLogs"
ACTIVE: Final = "ACTIVE"
RULE: Final = "Default"
PERCENTAGE: Final = 1.0
"""What X-Ray indexes without further cost, and until it is told otherwise."""
_RANDOM_BITS: Final = 56
"""Of a trace id, at its end ("TraceState: Probability Sampling", OpenTelemetry specification)."""
_NANOSECONDS: Final = 1_000_000_000
_PLAIN: Final = (str, int, float, bool)

_settings: Final[Any] = new_store()


def get_destination(_request: Json) -> Json:
    """Return where segments are stored."""
    return {"Destination": _settings.get("destination", XRAY), "Status": ACTIVE}


def update_destination(request: Json) -> Json:
    """Store segments in X-Ray, or as spans in CloudWatch Logs."""
    destination = request.get("Destination")
    if destination not in {XRAY, CLOUDWATCH_LOGS}:
        raise ServiceError(
            "InvalidRequestException", f"Destination {destination!r} is neither {XRAY} nor CloudWatchLogs"
        )
    _settings["destination"] = destination
    return get_destination({})


def get_indexing_rules(_request: Json) -> Json:
    """Return the one rule."""
    return {"IndexingRules": [_rule()]}


def update_indexing_rule(request: Json) -> Json:
    """Change the share of traces that are indexed."""
    name, rule = request.get("Name"), request.get("Rule")
    percentage = (rule.get("Probabilistic") or {}).get("DesiredSamplingPercentage") if isinstance(rule, dict) else None
    if name != RULE:
        raise ServiceError("ResourceNotFoundException", f"the indexing rule {name} does not exist")
    if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 <= percentage <= 100:  # noqa: PLR2004 - a percentage
        raise ServiceError("InvalidRequestException", f"DesiredSamplingPercentage {percentage!r} is not 0 to 100")
    _settings["rule"] = {"percentage": float(percentage), "modified": time.time()}
    return {"IndexingRule": _rule()}


def _rule() -> Json:
    rule = _settings.get("rule", {"percentage": PERCENTAGE, "modified": 0.0})
    share = {"DesiredSamplingPercentage": rule["percentage"], "ActualSamplingPercentage": rule["percentage"]}
    return {"Name": RULE, "ModifiedAt": rule["modified"], "Rule": {"Probabilistic": share}}


def is_on() -> bool:
    """Return whether segments are stored as spans in CloudWatch Logs."""
    return bool(get_destination({})["Destination"] == CLOUDWATCH_LOGS)


def is_indexed(trace_id: str) -> bool:
    """Return whether X-Ray's own operations find a trace: the decision depends on its id alone."""
    percentage = float(_rule()["Rule"]["Probabilistic"]["DesiredSamplingPercentage"])
    random = int(trace_id.replace("-", ""), 16) & ((1 << _RANDOM_BITS) - 1)
    return random * 100 < percentage * (1 << _RANDOM_BITS)


def store_spans(documents: Iterable[Document]) -> None:
    """Write the spans of complete documents as log events."""
    spans = [span for each in documents if not each.in_progress for span in _spans(each)]
    if not spans:
        return
    for operation, parameters in (
        (cloudwatch_logs._create_log_group, {"logGroupName": SPANS}),
        (cloudwatch_logs._create_log_stream, {"logGroupName": SPANS, "logStreamName": STREAM}),
        (
            cloudwatch_logs._put_log_events,
            {"logGroupName": SPANS, "logStreamName": STREAM, "logEvents": _events(spans)},
        ),
    ):
        status, _, body = operation(parameters)
        if status != HTTPStatus.OK and b"ResourceAlreadyExistsException" not in body:
            raise ServiceError("InternalFailure", f"the spans cannot be written to {SPANS}: {body!r}")


def _events(spans: Iterable[Json]) -> list[Json]:
    return [{"timestamp": each["endTimeUnixNano"] // 1_000_000, "message": json.dumps(each)} for each in spans]


def _spans(document: Document) -> Iterator[Json]:
    """Yield the segment and its subsegments as spans in the form of OpenTelemetry, with plain attributes."""
    segment = document.load()
    parents: dict[int, Any] = {}
    for node in walk(segment):
        for child in children_of(node):
            parents[id(child)] = node.get("id")
        if node.get("id") is None or not (is_time(node.get("start_time")) and is_time(node.get("end_time"))):
            continue
        start, end = (int(float(node[name]) * _NANOSECONDS) for name in ("start_time", "end_time"))
        yield {
            "resource": {"attributes": {"service.name": segment["name"]}},
            "traceId": document.trace_id.removeprefix("1-").replace("-", ""),
            "spanId": node["id"],
            "parentSpanId": parents.get(id(node), node.get("parent_id")),
            "name": node.get("name"),
            "kind": _kind(node, is_segment=node is segment),
            "startTimeUnixNano": start,
            "endTimeUnixNano": end,
            "durationNano": end - start,
            "attributes": _attributes(node),
            "status": {"code": "ERROR" if node.get("fault") or node.get("error") else "UNSET"},
        }


def _kind(node: Json, *, is_segment: bool) -> str:
    if is_segment and node.get("type") != "subsegment":
        return "SERVER"
    return "CLIENT" if node.get("namespace") else "INTERNAL"


def _attributes(node: Json) -> Json:
    http = node.get("http")
    sides = http if isinstance(http, dict) else {}
    request, response = (part if isinstance(part := sides.get(side), dict) else {} for side in ("request", "response"))
    http_attributes = {
        "http.request.method": request.get("method"),
        "url.full": request.get("url"),
        "user_agent.original": request.get("user_agent"),
        "http.response.status_code": response.get("status"),
    }
    annotations = node.get("annotations")
    own = annotations if isinstance(annotations, dict) else {}
    return {name: value for name, value in {**http_attributes, **own}.items() if isinstance(value, _PLAIN)}
