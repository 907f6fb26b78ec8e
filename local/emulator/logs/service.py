"""Extend ministack's CloudWatch Logs with query definitions, Logs Insights and filter patterns.

Source: CloudWatch Logs API reference.
"""

from __future__ import annotations

import json
from http import HTTPStatus

from ministack.services import cloudwatch_logs

from local.emulator.json_api import Json, ServiceError
from local.emulator.logs import query_definitions
from local.emulator.logs.filter_patterns import PatternError, compile_pattern
from local.emulator.logs.insights.grammar import QueryError
from local.emulator.logs.insights.query import MAX_ROWS, run
from local.emulator.registry import JSON_1_1, Reply, add_resource_type, error_reply, extend_service


def install() -> None:
    """Register query definitions, and patch ministack's pattern matcher and query engine."""
    add_resource_type(query_definitions.QUERY_DEFINITION)
    extend_service("logs", query_definitions.OPERATIONS)
    _patch_filter_log_events()
    _patch_start_query()


def _patch_filter_log_events() -> None:
    original = cloudwatch_logs._filter_log_events

    def filter_log_events(request: Json) -> Reply:
        try:
            reply: Reply = original(request)
        except PatternError as error:
            return error_reply(ServiceError("InvalidParameterException", str(error)), JSON_1_1)
        return reply

    cloudwatch_logs._compile_filter_pattern = compile_pattern
    cloudwatch_logs._filter_log_events = filter_log_events


def _patch_start_query() -> None:
    """Run Insights queries as a whole or reject them: ministack skips the commands that it does not support."""
    original = cloudwatch_logs._start_query

    def start_query(request: Json) -> Reply:
        status, headers, body = original(request)
        if status != HTTPStatus.OK:
            return status, headers, body
        query = cloudwatch_logs._queries[json.loads(body)["queryId"]]
        records = cloudwatch_logs._collect_query_records(
            cloudwatch_logs._resolve_query_log_groups(request), query["startTime"], query["endTime"]
        )
        try:
            rows = run(query["queryString"], map(cloudwatch_logs._public_log_record, records))
        except QueryError as error:
            return error_reply(ServiceError("MalformedQueryException", str(error)), JSON_1_1)
        query["results"] = rows[: request.get("limit", MAX_ROWS)]
        query["statistics"]["recordsMatched"] = float(len(rows))
        return status, headers, body

    cloudwatch_logs._start_query = start_query
