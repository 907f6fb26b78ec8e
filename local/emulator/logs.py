"""Add saved Logs Insights queries, and filter patterns that select what they say.

Sources: CloudFormation template reference, AWS::Logs::QueryDefinition; CloudWatch Logs API reference.
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import uuid4

from ministack.services import cloudwatch_logs

from local.emulator.json_api import Json, ServiceError
from local.emulator.logs_patterns import PatternError, compile_pattern
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
    _refuse_half_run_queries()


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


def _refuse_half_run_queries() -> None:
    """Refuse the Insights queries of which ministack would leave out a stage: their results would be wrong."""
    theirs = cloudwatch_logs._start_query

    def start_query(request: Json) -> Reply:
        for stage in cloudwatch_logs._split_insights_pipes(request.get("queryString", "")):
            if stage.strip() and not _is_run(stage.strip()):
                return refusal(ServiceError("MalformedQueryException", f"not emulated: {stage.strip()}"), JSON_1_1)
        reply: Reply = theirs(request)
        return reply

    cloudwatch_logs._start_query = start_query


def _is_run(stage: str) -> bool:
    command = stage.split(maxsplit=1)[0].lower()
    if command == "fields":
        return all(field.strip().startswith("@") for field in stage[len(command) :].split(","))
    if command == "filter":
        return cloudwatch_logs._compile_insights_filter(stage) is not None
    return command in {"limit", "sort"}


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
