"""Register resource types and service operations with ministack."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

from ministack import app
from ministack.core import responses, router
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceType:
    """A CloudFormation resource type.

    `create` and `update` return the attributes for `Fn::GetAtt`, `create` also the value of `Ref`; `delete`
    accepts a resource that no longer exists. A change of a `create_only` property replaces the resource.
    """

    name: str
    create: Callable[[str, Json, str], tuple[str, Json]]
    update: Callable[[str, Json], Json]
    delete: Callable[[str, Json], None]
    create_only: tuple[str, ...] = ()


def escape_responses() -> None:
    r"""Have every service write JSON in ASCII, as ministack fails to encode a lone surrogate.

    A log line with the valid escape `\ud800` would cost each response that it is part of.
    """
    responses.json = SimpleNamespace(dumps=lambda document, **_options: json.dumps(document))


def add_resource_type(kind: ResourceType) -> None:
    """Make a resource type available in stacks."""

    def update(physical_id: str, _old: Json, new: Json, _stack: str) -> tuple[str, Json]:
        return physical_id, kind.update(physical_id, new)

    provisioners._RESOURCE_HANDLERS[kind.name] = {"create": kind.create, "update": update, "delete": kind.delete}
    provisioners._REPLACING_PROPERTIES[kind.name] = kind.create_only


def add_service(name: str, handler: Handler, routing: Mapping[str, list[str]]) -> None:
    """Handle the requests signed for service `name`, or matching `routing` (the router's patterns)."""
    # For an unknown name, the router loads every botocore model: seconds of CPU and about 100 MB.
    router.SERVICE_PATTERNS[name] = dict(routing)
    app.SERVICE_HANDLERS[name] = handler


def json_service(operations: Mapping[str, Operation]) -> Handler:
    """Return a handler that dispatches on the X-Amz-Target header."""

    async def handle(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
    ) -> Reply:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        operation = operations.get(action)
        if operation is None:
            return error_reply(ServiceError("UnknownOperationException", f"{action} is not emulated"), JSON_1_1)
        return call(operation, body, JSON_1_1)

    return handle


def extend_service(name: str, operations: Mapping[str, Operation]) -> None:
    """Override `operations` of a service that ministack has; ministack handles all others."""
    original: Handler = app.SERVICE_HANDLERS[name]
    overrides = json_service(operations)

    async def handle(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Reply:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        return await (overrides if action in operations else original)(method, path, headers, body, query)

    app.SERVICE_HANDLERS[name] = handle


def call(operation: Operation, body: bytes, content_type: str) -> Reply:
    """Call `operation` with a JSON body and encode its result or its `ServiceError`."""
    try:
        request = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        return error_reply(ServiceError("SerializationException", "the body is not JSON"), content_type)
    if not isinstance(request, dict):
        return error_reply(ServiceError("SerializationException", "the body is not a JSON object"), content_type)
    try:
        reply: Reply = json_response(operation(request), content_type=content_type)
    except ServiceError as error:
        return error_reply(error, content_type)
    return reply


def error_reply(error: ServiceError, content_type: str) -> Reply:
    """Encode `error` as AWS does, with status 400."""
    reply: Reply = error_response_json(error.code, str(error), 400, content_type=content_type)
    return reply


def new_store() -> Any:  # noqa: ANN401 - ministack publishes no types
    """Return a mapping scoped to the caller's account and region."""
    return AccountRegionScopedDict()


def arn(service: str, resource: str) -> str:
    """Return the ARN of `resource` in the caller's account and region."""
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def new_id(prefix: str, digits: int = 17) -> str:
    """Return an id in EC2's format: the prefix and `digits` hexadecimal digits."""
    return f"{prefix}{secrets.token_hex((digits + 1) // 2)[:digits]}"
