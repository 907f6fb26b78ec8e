"""Turn an answer of Honeycomb that is no success into one line that names the remedy.

Source: Honeycomb API reference, "Errors": a text under `error`, or an RFC 7807 problem with `detail` and `type_detail`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

from requests import Response

from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.key import WANTED

_LONGEST: Final = 300
_AGAIN: Final = "Run make honeycomb again: what was made before stays, and is found again"
_ELSEWHERE: Final = "Check HONEYCOMB_API_URL: https://api.honeycomb.io, or https://api.eu1.honeycomb.io in Europe"
_REMEDIES: Final = {
    HTTPStatus.UNAUTHORIZED: f"Check the key, and that HONEYCOMB_API_URL is its region's: it must be {WANTED}",
    HTTPStatus.FORBIDDEN: f"Give the key the permission that is missing: it must be {WANTED}",
    HTTPStatus.NOT_FOUND: f"Run make honeycomb again, for it may have been deleted meanwhile. {_ELSEWHERE}",
    HTTPStatus.BAD_REQUEST: "Mend the declaration below honeycomb/",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Mend the declaration below honeycomb/",
    HTTPStatus.TOO_MANY_REQUESTS: _AGAIN,
}


def refusal(answer: Response, asked: str) -> HoneycombError:
    """Return what `answer` to `asked`, a method and path, comes to."""
    problem = f"{asked}: Honeycomb answered {answer.status_code}{_said(answer)}"
    if answer.status_code in _REMEDIES:
        return HoneycombError(problem, _REMEDIES[HTTPStatus(answer.status_code)])
    return HoneycombError(problem, _AGAIN if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else _ELSEWHERE)


def no_answer(url: str, asked: str, reason: Exception | None) -> HoneycombError:
    """Return what it comes to that nothing answered at `url`; `reason` is what the last attempt raised."""
    cause = f" ({type(reason).__name__})" if reason else ""
    return HoneycombError(
        f"{asked}: {url} gave no answer{cause}",
        f"Check the network, and HONEYCOMB_API_URL. {_AGAIN}",
    )


def not_honeycombs(url: str, asked: str) -> HoneycombError:
    """Return what it comes to that `url` answered something else than the API does."""
    return HoneycombError(f"{asked}: {url} answered something that is not Honeycomb's", _ELSEWHERE)


def _said(answer: Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    said = "; ".join(_faults(body)) or str(body.get("detail") or body.get("error") or "")
    text = " ".join(said.split())
    return f" ({text[:_LONGEST].rstrip('.')})" if text else ""


def _faults(body: dict[str, Any]) -> list[str]:
    faults = body.get("type_detail")
    if not isinstance(faults, list):
        return []
    return [f"{each.get('field')}: {each.get('description')}" for each in faults if isinstance(each, dict)]
