"""Register resource types and service calls with ministack."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

from ministack import app
from ministack.core import router
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json, ServiceError

Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]], Awaitable[Reply]]
Operation = Callable[[Json], Json]

JSON_1_1: Final = "application/x-amz-json-1.1"

_stores: Final[list[Any]] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A CloudFormation resource type.

    `create` and `update` return the attributes for `Fn::GetAtt`, `create` also the value of `Ref`; `delete`
    accepts a resource that is gone. A change of one of `create_only` makes a new resource, then deletes the old one.
    """

    name: str
    create: Callable[[str, Json, str], tuple[str, Json]]
    update: Callable[[str, Json], Json]
    delete: Callable[[str, Json], None]
    create_only: tuple[str, ...] = ()


def add_resource_type(kind: ResourceType) -> None:
    """Let stacks hold resources of `kind`."""

    def update(physical_id: str, _old: Json, new: Json, _stack: str) -> tuple[str, Json]:
        return physical_id, kind.update(physical_id, new)

    provisioners._RESOURCE_HANDLERS[kind.name] = {"create": kind.create, "update": update, "delete": kind.delete}
    provisioners._REPLACING_PROPERTIES[kind.name] = kind.create_only


def add_service(name: str, handler: Handler, routing: Mapping[str, list[str]]) -> None:
    """Answer the requests that are signed for service `name`, or that `routing` (the router's patterns) names."""
    # For a name that it does not know, the router reads every model of botocore: seconds, and a hundred megabytes.
    router.SERVICE_PATTERNS[name] = dict(routing)
    app.SERVICE_HANDLERS[name] = handler


def json_service(operations: Mapping[str, Operation]) -> Handler:
    """Return the handler of a service that names its operation in X-Amz-Target."""

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
    ) -> Reply:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        operation = operations.get(action)
        if operation is None:
            return refusal(ServiceError("UnknownOperationException", f"{action} is not emulated"), JSON_1_1)
        return answer(operation, body, JSON_1_1)

    return handle


def extend_service(name: str, operations: Mapping[str, Operation]) -> None:
    """Answer `operations` of a service that ministack has; all others stay its own."""
    theirs: Handler = app.SERVICE_HANDLERS[name]
    ours = json_service(operations)

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Reply:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        return await (ours if action in operations else theirs)(method, path, headers, body, query)

    app.SERVICE_HANDLERS[name] = handle


def answer(operation: Operation, body: bytes, content_type: str) -> Reply:
    """Run `operation` on a JSON body and encode what it returns or raises as `ServiceError`."""
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return refusal(ServiceError("SerializationException", "the body is not JSON"), content_type)
    if not isinstance(request, dict):
        return refusal(ServiceError("SerializationException", "the body is not a JSON object"), content_type)
    try:
        reply: Reply = json_response(operation(request), content_type=content_type)
    except ServiceError as error:
        return refusal(error, content_type)
    return reply


def refusal(error: ServiceError, content_type: str) -> Reply:
    """Encode `error` as AWS does, with status 400."""
    reply: Reply = error_response_json(error.code, str(error), 400, content_type=content_type)
    return reply


def new_store() -> Any:  # noqa: ANN401 (ministack publishes no types)
    """Return a mapping whose keys belong to the caller's account and region, emptied by ministack's reset."""
    store = AccountRegionScopedDict()
    register_store(store)
    return store


def register_store(store: MutableMapping[Any, Any]) -> None:
    """Have `store` emptied by ministack's reset."""
    _stores.append(store)


def clear_with_ministack() -> None:
    """Empty the plug-ins' stores whenever ministack empties its own."""
    theirs = app._reset_all_state

    def reset() -> None:
        theirs()
        for store in _stores:
            store.clear()

    app._reset_all_state = reset


def arn(service: str, resource: str) -> str:
    """Return the ARN of `resource` in the caller's account and region."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def new_id(prefix: str, digits: int = 17) -> str:
    """Return an id as EC2 shapes them: the prefix and `digits` hexadecimal digits."""
    return f"{prefix}{secrets.token_hex((digits + 1) // 2)[:digits]}"
