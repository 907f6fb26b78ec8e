"""Normalize spans and segments, and list how two of them differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.trace import ReadableSpan

ABSENT: Final = "(absent)"
_ID = re.compile(r"[0-9a-f]{16}")
_ANY_ID, _ANY_TIME = "<16 hex digits>", "<seconds>"

Plain = dict[str, Any]


class Difference(NamedTuple):
    """An intended difference of one field, and its reason."""

    stock: Any
    ours: Any
    why: str


def plain_span(span: ReadableSpan) -> Plain:
    """Return the compared fields of a span, with each stack trace cut to its last line."""
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
    """Return the compared fields of a segment: ids and times masked, each stack cut to its innermost label."""
    document = {**segment, "id": _masked_id(segment["id"])}
    for key in ("start_time", "end_time"):
        document[key] = _ANY_TIME if isinstance(segment[key], float) else segment[key]
    if "cause" in segment:
        exceptions = [
            {**each, "id": _masked_id(each["id"]), "stack": each["stack"][0]["label"]}
            for each in segment["cause"]["exceptions"]
        ]
        document["cause"] = {**segment["cause"], "exceptions": exceptions}
    return document


def _masked_id(text: str) -> str:
    return _ANY_ID if _ID.fullmatch(text) else text


def differences(stock: Plain, ours: Plain) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ, as `{path: (stock, ours)}`."""
    a, b = dict(_flat(stock)), dict(_flat(ours))
    pairs = {path: (a.get(path, ABSENT), b.get(path, ABSENT)) for path in a.keys() | b.keys()}
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


def expected_differences(*tables: dict[str, Difference]) -> dict[str, tuple[Any, Any]]:
    """Return `tables` in the form of `differences`; later tables override earlier ones."""
    return {path: (each.stock, each.ours) for table in tables for path, each in table.items()}


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flat(each, f"{path}/{key}" if path else str(key))
    else:
        yield path, value
