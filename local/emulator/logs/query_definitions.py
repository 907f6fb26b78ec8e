"""Emulate the saved queries of CloudWatch Logs Insights.

Sources: CloudFormation template reference, AWS::Logs::QueryDefinition; CloudWatch Logs API reference.
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import uuid4

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import Operation, ResourceType, new_store

_FIELDS: Final = ("name", "queryString", "logGroupNames", "queryLanguage")

_definitions: Final[Any] = new_store()


def _store(definition_id: str, definition: Json) -> Json:
    _definitions[definition_id] = {
        "queryLanguage": "CWLI",
        **definition,
        "queryDefinitionId": definition_id,
        "lastModified": int(time.time() * 1000),
    }
    return {"QueryDefinitionId": definition_id}


def _create(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    definition_id = str(uuid4())
    return definition_id, _update(definition_id, properties)


def _update(definition_id: str, properties: Json) -> Json:
    definition = {name: properties.get(name[0].upper() + name[1:]) for name in _FIELDS}
    return _store(definition_id, {name: value for name, value in definition.items() if value is not None})


def _delete(definition_id: str, _properties: Json) -> None:
    _definitions.pop(definition_id, None)


QUERY_DEFINITION: Final = ResourceType(
    name="AWS::Logs::QueryDefinition", create=_create, update=_update, delete=_delete
)


def _put_query_definition(request: Json) -> Json:
    for name in ("name", "queryString"):
        if not request.get(name):
            raise ServiceError("InvalidParameterException", f"{name} is missing")
    definition_id = _existing_id(request["queryDefinitionId"]) if request.get("queryDefinitionId") else str(uuid4())
    _store(definition_id, {name: request[name] for name in _FIELDS if name in request})
    return {"queryDefinitionId": definition_id}


def _delete_query_definition(request: Json) -> Json:
    _definitions.pop(_existing_id(request.get("queryDefinitionId", "")))
    return {"success": True}


def _describe_query_definitions(request: Json) -> Json:
    prefix = request.get("queryDefinitionNamePrefix", "")
    definitions = [definition for definition in _definitions.values() if definition["name"].startswith(prefix)]
    return {"queryDefinitions": definitions}


def _existing_id(definition_id: str) -> str:
    if definition_id not in _definitions:
        raise ServiceError("ResourceNotFoundException", f"the query definition {definition_id} does not exist")
    return definition_id


OPERATIONS: Final[dict[str, Operation]] = {
    "DeleteQueryDefinition": _delete_query_definition,
    "DescribeQueryDefinitions": _describe_query_definitions,
    "PutQueryDefinition": _put_query_definition,
}
