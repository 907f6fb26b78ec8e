"""Serve what the allow-list names, and refuse everything else that ministack has, before ministack handles it.

ministack's ASGI application has more than its table of services: it recognizes data planes, administration and
downloads by path and host name. Those steps are replaced here by one that knows three kinds of requests, so that
nothing is served because it was forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from ministack import app
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import error_response_json
from ministack.services.cloudformation import engine, provisioners

from local.emulator import load_balancer, permissions, registry_logins
from local.emulator.allow_list import REMEDY, RESOURCE_TYPES, SERVICES
from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import Reply
from local.request_guard import asgi
from local.request_guard.decision import LOAD_BALANCER_NAMES, LOOPBACK_NAMES, Policy

POLICY: Final = Policy(f"{LOOPBACK_NAMES}|{LOAD_BALANCER_NAMES}")
HEALTH_PATH: Final = "/_ministack/health"
INTERNAL_PREFIX: Final = "/_"
"""Begins the paths of ministack's own endpoints; no path of an AWS API does, nor any name of a bucket."""

MINISTACK_PREFIX: Final = "/_ministack/"

NOT_SERVED: Final = "UnsupportedOperation"
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
_SIGNED_SERVICE: Final = re.compile(r"Credential=[^/,\s]+/[^/,\s]+/[^/,\s]+/([^/,\s]+)/")
_LOAD_BALANCER_HOST: Final = re.compile(f"(?:{LOAD_BALANCER_NAMES})(?::[0-9]+)?")


def install() -> None:
    """Remove from ministack what the allow-list does not name."""
    _keep(app.SERVICE_HANDLERS, SERVICES)
    app._handle_pre_body_request = _health
    app._handle_post_body_shortcuts = _no_shortcut
    app._handle_special_data_plane_request = _route
    _keep(provisioners._RESOURCE_HANDLERS, RESOURCE_TYPES)
    provisioners._custom_resource_create = _refuse_custom_resource
    provisioners._custom_resource_update = _refuse_custom_resource
    provisioners._custom_resource_delete = _refuse_custom_resource
    _name_resource_types_that_are_not_served()


def application(load_balancer_port: int | None = None) -> asgi.Application:
    """Return ministack's application behind the request guard, without the endpoints that bypass the replaced steps.

    What arrives on `load_balancer_port` is for the one load balancer, whatever the request's host.
    """

    async def serve(scope: asgi.Message, receive: Any, send: asgi.Send) -> None:  # noqa: ANN401 - ASGI's callable
        if scope["type"] == "http" and scope["server"][1] == load_balancer_port:
            name = load_balancer.only_name()
            if name is None:
                return await asgi.respond(scope, send, UNAVAILABLE, {"error": load_balancer.NOT_ONE})
            scope = load_balancer.addressed_to(name, scope)
        if scope["type"] == "http" and _is_internal(scope):
            error = f"{scope['path']} is not served: of ministack's own endpoints only {HEALTH_PATH} is"
            return await asgi.respond(scope, send, NOT_FOUND, {"error": error})
        await app.app(scope, receive, send)
        return None

    return asgi.guarded(serve, POLICY)


def _is_internal(scope: asgi.Message) -> bool:
    """Return whether ministack would answer the request itself; an application may have paths that begin alike."""
    path, host = scope["path"], dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    prefix = MINISTACK_PREFIX if _is_load_balancer({"host": host}) else INTERNAL_PREFIX
    return bool(path.startswith(prefix) and path != HEALTH_PATH)


def _keep(table: dict[str, Any], names: frozenset[str]) -> None:
    for name in table.keys() - names:
        del table[name]


async def _health(
    _method: str, path: str, headers: Mapping[str, str], _query: Mapping[str, list[str]], request_id: str
) -> Reply | None:
    if path != HEALTH_PATH or _is_load_balancer(headers):
        return None
    reply: Reply = app._handle_health_request(path, request_id)
    return reply


async def _no_shortcut(*_request: object) -> None:
    """Stand in for the endpoints of administration, sign-in pages and custom resources' responses."""


async def _route(  # noqa: PLR0917 - ministack passes these by position
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, list[str]],
    request_id: str,
    *,
    raw_path: str | None = None,
    raw_query_string: str = "",
    client_ip: str = "",  # noqa: ARG001 - passed by ministack
) -> Reply | None:
    """Handle a request to a load balancer or to the image registry, or refuse one to an AWS API.

    None leaves an API that is served, and that the caller may use, to ministack.
    """
    reply: Reply | None
    if _is_load_balancer(headers):
        host = headers["host"]
        reply = await app._handle_alb_request(host, path, method, headers, body, query, raw_query_string, raw_path)
        return reply or error_response_json("LoadBalancerNotFound", f"no load balancer has the name {host}", NOT_FOUND)
    if app._is_ecr_registry_path(path):
        error = registry_logins.authorize(method, path, headers, query)
        if error is not None:
            return error
        reply = await app._handle_ecr_registry_request(method, path, headers, body, query)
        return reply
    service = _service_of(method, path, headers, body, query)
    if service not in SERVICES:
        return _refusal(service, request_id, headers)
    return permissions.authorize(service, method, path, headers, body, query, request_id)


def _is_load_balancer(headers: Mapping[str, str]) -> bool:
    return _LOAD_BALANCER_HOST.fullmatch(headers.get("host", "").lower()) is not None


def _service_of(method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]) -> str:
    """Return the service of the signature if it is not served, otherwise that which ministack's router finds."""
    credentials = "".join(f"Credential={each}" for each in query.get("X-Amz-Credential", ()))
    for signature in (headers.get("authorization", ""), credentials):
        signed = _SIGNED_SERVICE.search(signature)
        if signed is not None and signed[1] not in SERVICES:
            return signed[1]
    parameters = app._routing_params(method, path, headers, body, query)
    return str(app.detect_service(method, path, headers, parameters))


def _refusal(service: str, request_id: str, headers: Mapping[str, str]) -> Reply:
    message = f"The service {service} is not served by this emulator: {REMEDY}"
    reply: Reply = access_denied_response(
        service, "", "", request_id, error_code=NOT_SERVED, message=message, headers=headers
    )
    return reply


def _refuse_custom_resource(*_arguments: object, **_options: object) -> None:
    raise ServiceError(NOT_SERVED, f"Custom resources are not served by this emulator: {REMEDY}")


def _name_resource_types_that_are_not_served() -> None:
    """Let each operation on a template fail before it creates anything, also for a template with transforms."""
    original = engine._validate_template_limits

    def validate(template: Json) -> None:
        resources = template.get("Resources")
        members = resources.values() if isinstance(resources, dict) else ()
        kinds = {str(each.get("Type", "a custom resource")) for each in members if isinstance(each, dict)}
        if refused := sorted(kinds - RESOURCE_TYPES):
            raise ValueError(f"Resource types not served by this emulator: {', '.join(refused)}; {REMEDY}")
        original(template)

    engine._validate_template_limits = validate
