"""Validate the value of each term of a filter."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from operations.traces.document import Place

PATTERN_KEYS: Final = ("method", "route", "path", "user")
"""The terms whose values may have wildcards."""
RENAMED: Final = (
    ("db.system.name", "db.system"),
    ("db.namespace", "db.name"),
    ("db.query.text", "db.statement"),
    ("db.operation.name", "db.operation"),
    ("http.request.method", "http.method"),
    ("http.response.status_code", "http.status_code"),
    ("url.full", "http.url"),
    ("url.path", "http.target"),
    ("server.address", "net.peer.name"),
    ("server.port", "net.peer.port"),
    ("user_agent.original", "http.user_agent"),
)
"""Attributes by the name of OpenTelemetry's stable semantic conventions, and by that of earlier ones ("Migration guide"
of HTTP and of databases): instrumentations write either."""
_MAX_SHOWN: Final = 80
_STATUS: Final = re.compile(r"[1-5]xx|[1-9][0-9]{2}", re.IGNORECASE | re.ASCII)
_AMOUNT: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
EXAMPLES: Final = {
    "status": "status:404, status:5xx or status:>=500",
    "duration": "duration:>200ms or duration:<=1.5s",
    "since": "since:10m, with s, m, h or d",
    "until": "until:10m, with s, m, h or d",
    "method": "method:GET",
    "route": "route:/api/*",
    "path": "path:/api/*",
    "user": "user:bob or user:b*",
    "place": f"place: and one of {', '.join(Place)}",
    "sort": "sort:duration or sort:newest",
    "show": "show:all",
}


_OTHER_NAME: Final = {name: other for pair in RENAMED for name, other in (pair, pair[::-1])}


def names_of(key: str) -> tuple[str, ...]:
    """Return the names under which an attribute is found: its own, and where it was renamed the other one."""
    return (key, _OTHER_NAME[key]) if key in _OTHER_NAME else (key,)


def shown(text: str) -> str:
    """Return a text as an error shows it."""
    return repr(text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…")


def _check_status(value: str, sign: str) -> str | None:
    is_status = _STATUS.fullmatch(value) is not None and not (sign and value[1:].lower() == "xx")
    return None if is_status else f"has the value {shown(value)}, which is no status"


def _check_duration(value: str, sign: str) -> str | None:
    if not sign:
        return "has no operator"
    amount = _AMOUNT.fullmatch(value)
    return None if amount and amount[2] in ("ms", "s") else f"has the value {shown(value)}, which is no duration"


def _check_age(value: str, sign: str) -> str | None:
    amount = _AMOUNT.fullmatch(value)
    if sign or not amount or amount[2] == "ms":
        return f"has the value {shown(sign + value)}, which is no time"
    return None


def _check_place(value: str, sign: str) -> str | None:
    return None if not sign and value.lower() in set(Place) else f"has the value {shown(sign + value)}"


def _check_text(value: str, sign: str) -> str | None:
    return "has an operator, which only numbers have" if sign else ("has no value" if not value else None)


def _check_one_of(*values: str) -> Callable[[str, str], str | None]:
    return lambda value, sign: None if sign + value.lower() in values else f"has the value {shown(sign + value)}"


def check_attribute(value: str, sign: str) -> str | None:
    """Return what is wrong with the value of an attribute, None if nothing is."""
    if sign and number_of(value) is None:
        return f"compares with {shown(value)}, which is no number"
    return None


CHECKS: Final[Mapping[str, Callable[[str, str], str | None]]] = {
    "status": _check_status,
    "duration": _check_duration,
    "since": _check_age,
    "until": _check_age,
    "place": _check_place,
    "trace": _check_text,
    "sort": _check_one_of("duration", "newest"),
    "show": _check_one_of("all"),
    **dict.fromkeys(PATTERN_KEYS, _check_text),
}


def seconds_of(value: str) -> float:
    """Return an amount of time in seconds, 0 for another text."""
    amount = _AMOUNT.fullmatch(value)
    return float(amount[1]) * _SECONDS[amount[2]] if amount else 0.0


def number_of(value: Any) -> float | None:  # noqa: ANN401 - any JSON value
    """Return a number, or that of a text, None for what is none."""
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None
