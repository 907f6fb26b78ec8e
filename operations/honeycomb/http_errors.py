"""Turn Honeycomb's error responses into one line with a remedy.

Source: Honeycomb API reference, "Errors": a text under `error`, or an RFC 7807 problem with `detail` and `type_detail`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from requests import Response

from flask_onetrace.contract import HONEYCOMB_API
from operations.errors import OperatorError

PERMISSIONS: Final = {
    "columns": "Manage Queries and Columns",
    "boards": "Manage Public Boards",
    "triggers": "Manage Triggers",
    "markers": "Manage Markers",
}
"""The permissions that the key needs, by their names in the API's `api_key_access`."""
REQUIRED_KEY: Final = (
    f"a configuration key with {', '.join(PERMISSIONS.values())} (in Honeycomb: environment settings, API keys)"
)

_MAX_REASON: Final = 300
_TRY_AGAIN: Final = "Try again later: what is already created is kept"
_CHECK_URL: Final = f"Check HONEYCOMB_API_URL: {HONEYCOMB_API}, or https://api.eu1.honeycomb.io in Europe"
_FIX_DECLARATION: Final = "Fix the declaration below honeycomb/"
_REMEDIES: Final[dict[int, str]] = {
    HTTPStatus.BAD_REQUEST: _FIX_DECLARATION,
    HTTPStatus.UNAUTHORIZED: f"Check the key, and that HONEYCOMB_API_URL is its region's: it must be {REQUIRED_KEY}",
    HTTPStatus.FORBIDDEN: f"Give the key the missing permission: it must be {REQUIRED_KEY}",
    HTTPStatus.NOT_FOUND: f"It may have been deleted meanwhile: try again. {_CHECK_URL}",
    HTTPStatus.UNPROCESSABLE_ENTITY: _FIX_DECLARATION,
    HTTPStatus.TOO_MANY_REQUESTS: _TRY_AGAIN,
}


class NotFoundError(OperatorError):
    """Honeycomb answered 404."""


def error_response(response: Response, request: str, key: str) -> OperatorError:
    """Return the error for an unsuccessful response to `request`, a method and path, without the `key`."""
    status = response.status_code
    error = NotFoundError if status == HTTPStatus.NOT_FOUND else OperatorError
    remedy = _TRY_AGAIN if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _CHECK_URL
    return error(f"{request}: Honeycomb answered {status}{_reason(response, key)}", _REMEDIES.get(status, remedy))


def no_response(url: str, request: str, cause: Exception | None) -> OperatorError:
    """Return the error for a request that got no response; `cause` is the last attempt's exception."""
    return OperatorError(
        f"{request}: no response from {url} ({type(cause).__name__})",
        f"Check the network and HONEYCOMB_API_URL. {_TRY_AGAIN}",
    )


def unexpected_response(url: str, request: str) -> OperatorError:
    """Return the error for a successful response that is not what Honeycomb's API answers."""
    return OperatorError(f"{request}: the response of {url} is not Honeycomb's", _CHECK_URL)


def _reason(response: Response, key: str) -> str:
    """Return in brackets the reason that the body gives, empty where it gives none; the body may repeat the key."""
    try:
        body = response.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    problems = body.get("type_detail")
    fields = [each for each in problems if isinstance(each, dict)] if isinstance(problems, list) else []
    by_field = "; ".join(f"{each.get('field')}: {each.get('description')}" for each in fields)
    text = " ".join((by_field or str(body.get("detail") or body.get("error") or "")).split()).replace(key, "***")
    return f" ({text[:_MAX_REASON].rstrip('.')})" if text else ""
