"""Emulate X-Ray: groups, sampling rules, and the operations that write and read traces.

Source: X-Ray API reference; each operation is a POST to a path. Not emulated: the service graph, insights,
encryption settings, resource policies, tags, and the segments that AWS infers for downstream services.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ministack import app

from local.emulator.json_api import ServiceError
from local.emulator.registry import Operation, Reply, add_resource_type, add_service, call, error_reply
from local.emulator.xray import groups, sampling_rules, sampling_statistics, traces, transaction_search

JSON: Final = "application/json"

OPERATIONS: Final[dict[str, Operation]] = {
    "/CreateGroup": groups.create_group,
    "/CreateSamplingRule": sampling_rules.create_rule,
    "/DeleteGroup": groups.delete_group,
    "/DeleteSamplingRule": sampling_rules.delete_rule,
    "/GetGroup": groups.get_group,
    "/GetIndexingRules": transaction_search.get_indexing_rules,
    "/GetSamplingRules": sampling_rules.get_rules,
    "/GetTraceSegmentDestination": transaction_search.get_destination,
    "/Groups": groups.get_groups,
    "/SamplingStatisticSummaries": sampling_statistics.get_summaries,
    "/SamplingTargets": sampling_rules.get_targets,
    "/TelemetryRecords": traces.put_telemetry_records,
    "/TraceSegments": traces.put_trace_segments,
    "/TraceSummaries": traces.get_trace_summaries,
    "/Traces": traces.batch_get_traces,
    "/UpdateGroup": groups.update_group,
    "/UpdateIndexingRule": transaction_search.update_indexing_rule,
    "/UpdateSamplingRule": sampling_rules.update_rule,
    "/UpdateTraceSegmentDestination": transaction_search.update_destination,
}
UNSIGNED_PATHS: Final = frozenset({"/GetSamplingRules", "/SamplingTargets", "/TelemetryRecords", "/TraceSegments"})
"""SDKs send these unsigned to the daemon's proxy; they are accepted unsigned here as well."""


def install() -> None:
    """Register the resource types and the service."""
    add_resource_type(groups.GROUP)
    add_resource_type(sampling_rules.SAMPLING_RULE)
    add_service("xray", _handle, {"host_patterns": [r"xray\."]})
    _route_unsigned_requests()


def _route_unsigned_requests() -> None:
    original = app.detect_service

    def detect_service(method: str, path: str, headers: Mapping[str, str], query: Mapping[str, list[str]]) -> str:
        if method == "POST" and path in UNSIGNED_PATHS and "authorization" not in headers:
            return "xray"
        return str(original(method, path, headers, query))

    app.detect_service = detect_service


async def _handle(
    _method: str, path: str, _headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
) -> Reply:
    operation = OPERATIONS.get("/" + path.strip("/"))
    if operation is None:
        return error_reply(ServiceError("InvalidRequestException", f"X-Ray's {path} is not emulated"), JSON)
    return call(operation, body, JSON)
