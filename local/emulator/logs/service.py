"""Extend ministack's CloudWatch Logs with query definitions, Logs Insights and filter patterns.

Source: CloudWatch Logs API reference.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Final

from ministack.services import cloudwatch_logs
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json, ServiceError
from local.emulator.logs import query_definitions
from local.emulator.logs.filter_patterns import PatternError, compile_pattern
from local.emulator.logs.insights.grammar import QueryError
from local.emulator.logs.insights.query import MAX_ROWS, run
from local.emulator.registry import JSON_1_1, Reply, add_resource_type, error_reply, extend_service

LOG_GROUP: Final = "AWS::Logs::LogGroup"


def install() -> None:
    """Register query definitions, and patch the names of log groups, the pattern matcher and the query engine."""
    add_resource_type(query_definitions.QUERY_DEFINITION)
    extend_service("logs", query_definitions.OPERATIONS)
    _name_log_groups()
    _patch_filter_log_events()
    _patch_start_query()


def _name_log_groups() -> None:
    """Name a log group without a name in a template after its stack, as AWS does: policies rely on it."""
    original = provisioners._RESOURCE_HANDLERS[LOG_GROUP]

    def named(properties: Json, stack: str, logical_id: str) -> Json:
        return {"LogGroupName": provisioners._physical_name(stack, logical_id, max_len=512)} | properties

    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        created: tuple[str, Json] = original["create"](logical_id, named(properties, stack, logical_id), stack)
        return created

    def update(group: str, old: Json, new: Json, stack: str, logical_id: str) -> tuple[str, Json]:
        before, after = named(old, stack, logical_id), named(new, stack, logical_id)
        updated: tuple[str, Json] = original["update"](group, before, after, stack, logical_id)
        return updated

    provisioners._RESOURCE_HANDLERS[LOG_GROUP] = {**original, "create": create, "update": update}


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
