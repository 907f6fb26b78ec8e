"""Run Logs Insights queries, keep saved ones, and let filter patterns select what they say.

Sources: CloudFormation template reference, AWS::Logs::QueryDefinition; CloudWatch Logs API reference.
"""

from __future__ import annotations

import json
import time
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

from ministack.services import cloudwatch_logs

from local.emulator.json_api import Json, ServiceError
from local.emulator.logs.filter_patterns import PatternError, compile_pattern
from local.emulator.logs.insights.grammar import QueryError
from local.emulator.logs.insights.query import MAX_ROWS, run
from local.emulator.registry import JSON_1_1, Reply, ResourceType, add_resource_type, extend_service, new_store, refusal

_queries: Final[Any] = new_store()


def install() -> None:
    """Register the resource type and the calls, and replace the pattern matcher."""
    add_resource_type(QUERY_DEFINITION)
    extend_service(
        "logs",
        {
            "DeleteQueryDefinition": _delete_query,
            "DescribeQueryDefinitions": _describe_queries,
            "PutQueryDefinition": _put_query,
        },
    )
    _match_patterns()
    _run_queries()


def _match_patterns() -> None:
    theirs = cloudwatch_logs._filter_log_events

    def filter_log_events(request: Json) -> Reply:
        try:
            reply: Reply = theirs(request)
        except PatternError as error:
            return refusal(ServiceError("InvalidParameterException", str(error)), JSON_1_1)
        return reply

    cloudwatch_logs._compile_filter_pattern = compile_pattern
    cloudwatch_logs._filter_log_events = filter_log_events


def _run_queries() -> None:
    """Run Insights queries whole, or refuse them: ministack leaves out the commands that it does not know."""
    theirs = cloudwatch_logs._start_query

    def start_query(request: Json) -> Reply:
        status, headers, body = theirs(request)
        if status != HTTPStatus.OK:
            return status, headers, body
        query = cloudwatch_logs._queries[json.loads(body)["queryId"]]
        records = cloudwatch_logs._collect_query_records(
            cloudwatch_logs._resolve_query_log_groups(request), query["startTime"], query["endTime"]
        )
        try:
            rows = run(query["queryString"], map(cloudwatch_logs._public_log_record, records))
        except QueryError as error:
            return refusal(ServiceError("MalformedQueryException", str(error)), JSON_1_1)
        query["results"] = rows[: request.get("limit", MAX_ROWS)]
        query["statistics"]["recordsMatched"] = float(len(rows))
        return status, headers, body

    cloudwatch_logs._start_query = start_query


def _store(query: str, definition: Json) -> Json:
    _queries[query] = {
        "queryLanguage": "CWLI",
        **definition,
        "queryDefinitionId": query,
        "lastModified": int(time.time() * 1000),
    }
    return {"QueryDefinitionId": query}


def _from_template(query: str, properties: Json) -> Json:
    names = ("name", "queryString", "logGroupNames", "queryLanguage")
    spelled = {name: properties.get(name[0].upper() + name[1:]) for name in names}
    return _store(query, {name: value for name, value in spelled.items() if value is not None})


def _create(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    query = str(uuid4())
    return query, _from_template(query, properties)


def _delete(query: str, _properties: Json) -> None:
    _queries.pop(query, None)


QUERY_DEFINITION: Final = ResourceType(
    name="AWS::Logs::QueryDefinition", create=_create, update=_from_template, delete=_delete
)


def _known(query: str) -> str:
    if query not in _queries:
        raise ServiceError("ResourceNotFoundException", f"the query definition {query} does not exist")
    return query


def _put_query(request: Json) -> Json:
    for needed in ("name", "queryString"):
        if not request.get(needed):
            raise ServiceError("InvalidParameterException", f"{needed} is missing")
    query = _known(request["queryDefinitionId"]) if request.get("queryDefinitionId") else str(uuid4())
    names = ("name", "queryString", "logGroupNames", "queryLanguage")
    _store(query, {name: request[name] for name in names if name in request})
    return {"queryDefinitionId": query}


def _delete_query(request: Json) -> Json:
    _queries.pop(_known(request.get("queryDefinitionId", "")))
    return {"success": True}


def _describe_queries(request: Json) -> Json:
    prefix = request.get("queryDefinitionNamePrefix", "")
    return {"queryDefinitions": [query for query in _queries.values() if query["name"].startswith(prefix)]}
