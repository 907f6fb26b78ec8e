"""Answer as Honeycomb's configuration API does where it takes nothing, and look at each request before it is served.

Source: Honeycomb API reference, "Errors" (a text under `error`, or an RFC 7807 problem with `type_detail`) and the
permission that each part of the API asks of a key.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final, NoReturn

from flask import Response, abort, jsonify, make_response, request

from tests.fakes.honeycomb_api.environment import Environment, Refusal, Thing
from tests.fakes.honeycomb_api.schemas import Check, Fault

KEY_HEADER: Final = "X-Honeycomb-Team"
PERMISSION_OF: Final = {
    **dict.fromkeys(("columns", "queries", "query_annotations"), "columns"),
    "boards": "boards",
    "triggers": "triggers",
    "markers": "markers",
}
"""What a key must be allowed, by the part of the path. `queries` in a key's access is to run them."""


def before(holds: Environment) -> Response | None:
    """Refuse what is planned to be refused, and what the key does not open."""
    line = f"{request.method} {request.path}"
    holds.requests.append(line)
    if planned := holds.refusal_of(request.method, request.path, after=False):
        return _planned(planned)
    given = request.headers.get(KEY_HEADER, "")
    if not given or (holds.key is not None and not hmac.compare_digest(given.encode(), holds.key.encode())):
        return make_response(jsonify(error="unknown API key - check your credentials"), 401)
    part = request.path.split("/")[2] if request.path.startswith("/1/") else ""
    needed = PERMISSION_OF.get(part)
    if needed and (holds.key_type != "configuration" or needed in holds.denied):
        return make_response(jsonify(error="Your API key does not have permission to access this resource."), 403)
    return None


def after_answer(holds: Environment, response: Response) -> Response:
    """Note what was written, and say how much of the rate limit is left."""
    if response.status_code < HTTPStatus.MULTIPLE_CHOICES and request.method in {"POST", "PUT"}:
        holds.writes.append(f"{request.method} {request.path}")
        if planned := holds.refusal_of(request.method, request.path, after=True):
            response = _planned(planned)
    response.headers.setdefault("RateLimit", "limit=100, remaining=99, reset=60")
    response.headers.setdefault("RateLimitPolicy", "100;w=60")
    return response


def _planned(refusal: Refusal) -> Response:
    response = make_response(jsonify(refusal.body or {"error": "planned"}), refusal.status)
    response.headers.update(dict(refusal.headers))
    return response


def body_of(check: Check) -> Thing:
    """Return the request's body if `check` takes it."""
    body = request.get_json(force=True, silent=True)
    if body is None:
        refuse(400, "The request body could not be parsed.")
    refuse_invalid(check("", body))
    found: Thing = body
    return found


def refuse(status: int, error: str) -> NoReturn:
    """Answer `status` with a text alone."""
    abort(make_response(jsonify(error=error), status))


def refuse_invalid(faults: Iterable[Fault]) -> None:
    """Answer 422 where there are faults."""
    detail: list[dict[str, Any]] = [fault._asdict() for fault in faults]
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
