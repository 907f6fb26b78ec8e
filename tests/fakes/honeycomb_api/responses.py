"""Check keys and permissions, validate bodies and build error responses.

Source: Honeycomb API reference, "Errors" (a text under `error`, or an RFC 7807 problem with `type_detail`), and the
key permission that each part of the API requires.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, NoReturn

from flask import Response, abort, jsonify, make_response, request

from tests.fakes.honeycomb_api.environment import Environment, PlannedResponse, Resource
from tests.fakes.honeycomb_api.schemas import FieldError, Schema

KEY_HEADER: Final = "X-Honeycomb-Team"
PERMISSION_OF: Final = {
    **dict.fromkeys(("columns", "queries", "query_annotations"), "columns"),
    "boards": "boards",
    "triggers": "triggers",
    "markers": "markers",
}
"""The required permission by path segment. The permission `queries` is for running queries."""


def check_request(environment: Environment) -> Response | None:
    """Record the request; return a planned response, or reject a key without access."""
    line = f"{request.method} {request.path}"
    environment.requests.append(line)
    if planned := environment.planned_response(request.method, request.path, after=False):
        return _response_of(planned)
    key = request.headers.get(KEY_HEADER, "")
    if not key or (environment.key is not None and not hmac.compare_digest(key.encode(), environment.key.encode())):
        return make_response(jsonify(error="unknown API key - check your credentials"), 401)
    segment = request.path.split("/")[2] if request.path.startswith("/1/") else ""
    permission = PERMISSION_OF.get(segment)
    if permission and (environment.key_type != "configuration" or permission in environment.denied):
        return make_response(jsonify(error="Your API key does not have permission to access this resource."), 403)
    return None


def decorate_response(environment: Environment, response: Response) -> Response:
    """Record accepted writes and add the rate limit headers."""
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES and request.method in {"POST", "PUT"}:
        environment.writes.append(f"{request.method} {request.path}")
        if planned := environment.planned_response(request.method, request.path, after=True):
            response = _response_of(planned)
    response.headers.setdefault("RateLimit", "limit=100, remaining=99, reset=60")
    response.headers.setdefault("RateLimitPolicy", "100;w=60")
    return response


def _response_of(planned: PlannedResponse) -> Response:
    response = make_response(jsonify(planned.body or {"error": "planned"}), planned.status)
    response.headers.update(dict(planned.headers))
    return response


def validated_body(schema: Schema) -> Resource:
    """Return the request's JSON body, or reject it when it does not match `schema`."""
    body = request.get_json(force=True, silent=True)
    if body is None:
        reject(400, "The request body could not be parsed.")
    reject_invalid(schema("", body))
    resource: Resource = body
    return resource


def reject(status: int, error: str) -> NoReturn:
    """Abort with `status` and an error text."""
    abort(make_response(jsonify(error=error), status))


def reject_invalid(errors: Iterable[FieldError]) -> None:
    """Abort with 422 and a validation problem if there are errors."""
    detail: list[dict[str, Any]] = [error._asdict() for error in errors]
    if not detail:
        return
    problem = {
        "status": 422,
        "type": "https://api.honeycomb.io/problems/validation-failed",
        "title": "The provided input is invalid.",
        "error": "The provided input is invalid.",
        "type_detail": detail,
    }
    abort(make_response(jsonify(problem), 422, {"Content-Type": "application/problem+json"}))
