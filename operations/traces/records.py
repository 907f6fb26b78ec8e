"""Make what a place or a file returned plain JSON, once, where it is read: nothing after it fails to write or show it.

A sender is anyone: an attribute may have a number of 100 digits, a lone surrogate, or 900 levels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from operations.traces.document import Json
from operations.traces.summary import object_in
from operations.traces.trace_ids import is_trace_id

MAX_DEPTH: Final = 120
"""Levels of a record; orjson writes 254, of which the documents around it take some."""
TOO_DEEP: Final = "…"
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
_INT64: Final = range(-(2**63), 2**63)
_MAX_BITS: Final = 4096
"""Of a number that is written out: Python refuses to convert more than 4,300 digits."""


def records(items: Iterable[Any]) -> list[Json]:
    """Return the objects among what was received, as plain JSON; what is none costs itself alone."""
    return [plain(each) for each in items if isinstance(each, Mapping)]


def spans(items: Iterable[Any]) -> list[Json]:
    """Return the spans among what was received, as `PlaceContent` describes them; one without ids costs itself."""
    return [_span(each) for each in records(items) if _has_ids(each)]


def _has_ids(span: Json) -> bool:
    span_id = span.get("span_id")
    return is_trace_id(span.get("trace_id")) and isinstance(span_id, str) and _SPAN_ID.fullmatch(span_id) is not None


def _span(span: Json) -> Json:
    status, events = object_in(span, "status"), span.get("events")
    parent = span.get("parent_span_id")
    return {
        "trace_id": span["trace_id"],
        "span_id": span["span_id"],
        "parent_span_id": parent if isinstance(parent, str) and parent else None,
        "name": str(span.get("name", "")),
        "kind": str(span.get("kind", "internal")),
        "start_ns": _nanoseconds(span.get("start_ns")),
        "end_ns": _nanoseconds(span.get("end_ns")),
        "attributes": object_in(span, "attributes"),
        "status": {"code": str(status.get("code", "unset")), "message": str(status.get("message", ""))},
        "events": [_event(each) for each in events if isinstance(each, dict)] if isinstance(events, list) else [],
        "scope": str(span.get("scope", "")),
        "resource": object_in(span, "resource"),
    }


def _event(event: Json) -> Json:
    return {
        "name": str(event.get("name", "")),
        "time_ns": _nanoseconds(event.get("time_ns")),
        "attributes": object_in(event, "attributes"),
    }


def _nanoseconds(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def plain(value: Any, depth: int = MAX_DEPTH) -> Any:  # noqa: ANN401, PLR0911 - any JSON, and a return for each type
    """Return the value as JSON that every encoder writes.

    Keys are texts, texts have no lone surrogates, integers have 64 bits and other numbers are finite, else they are
    texts; a time is a number of seconds since the epoch; below `depth` levels stands an ellipsis.
    """
    match value:
        case str():
            return text(value)
        case None | bool():
            return value
        case int():
            return value if value in _INT64 else _digits(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime():
            with suppress(OverflowError, ValueError, OSError):
                return value.timestamp()
            return text(str(value))
        case Mapping() if depth:
            return {text(str(name)): plain(each, depth - 1) for name, each in value.items()}
        case list() | tuple() if depth:
            return [plain(each, depth - 1) for each in value]
        case Mapping() | list() | tuple():
            return TOO_DEEP
        case _:
            return text(str(value))


def text(value: str) -> str:
    """Return a text that UTF-8 can carry: lone surrogates are replaced, and pairs are joined."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def _digits(value: int) -> str:
    return str(value) if value.bit_length() <= _MAX_BITS else f"{value.bit_length()} bits"
