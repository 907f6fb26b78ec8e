"""Bring spans and segments to a plain form, and list how two of them differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

ABSENT: Final = "(absent)"
_ID = re.compile(r"[0-9a-f]{16}")
_ANY_ID, _ANY_TIME = "<16 hex digits>", "<seconds>"

Plain = dict[str, Any]


class Differs(NamedTuple):
    """A field in which ours is meant to differ, and why."""

    stock: Any
    ours: Any
    why: str


def plain_span(span: ReadableSpan) -> Plain:
    """Return what is compared of a span; of a stack trace its last line."""
    return {
        "name": span.name,
        "kind": span.kind.name,
        "status": {"code": span.status.status_code.name, "description": span.status.description},
        "attributes": dict(span.attributes or {}),
        "events": [
            {
                "name": event.name,
                **{
                    key: str(value).splitlines()[-1] if key == "exception.stacktrace" else value
                    for key, value in (event.attributes or {}).items()
                },
            }
            for event in span.events
        ],
    }


def plain_segment(segment: Plain) -> Plain:
    """Return what is compared of a segment: own ids and moments by their shape, of a stack its innermost label."""
    made = {**segment, "id": _masked_id(segment["id"])}
    for moment in ("start_time", "end_time"):
        made[moment] = _ANY_TIME if isinstance(segment[moment], float) else segment[moment]
    if "cause" in segment:
        exceptions = [
            {**each, "id": _masked_id(each["id"]), "stack": each["stack"][0]["label"]}
            for each in segment["cause"]["exceptions"]
        ]
        made["cause"] = {**segment["cause"], "exceptions": exceptions}
    return made


def _masked_id(text: str) -> str:
    return _ANY_ID if _ID.fullmatch(text) else text


def differences(stock: Plain, ours: Plain) -> dict[str, tuple[Any, Any]]:
    """Return each field that is not the same as `{path: (stock, ours)}`."""
    one, other = dict(_flat(stock)), dict(_flat(ours))
    pairs = {path: (one.get(path, ABSENT), other.get(path, ABSENT)) for path in one.keys() | other.keys()}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def intended(*tables: dict[str, Differs]) -> dict[str, tuple[Any, Any]]:
    """Return the tables as `differences` would; a later one's entry wins."""
    return {path: (each.stock, each.ours) for table in tables for path, each in table.items()}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(each, f"{path}/{key}" if path else str(key))
    else:
        yield path, value
