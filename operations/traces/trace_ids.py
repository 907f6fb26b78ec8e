"""Read a trace id in each form that people paste."""

from __future__ import annotations

import re
from typing import Final

from operations.errors import OperatorError

_HEX: Final = re.compile(r"[0-9a-f]{32}")
_XRAY: Final = re.compile(r"(?:root=)?1-([0-9a-f]{8})-([0-9a-f]{24})(?:;.*)?")
"""Of a trace, and of the header `X-Amzn-Trace-Id` ("Tracing header", AWS X-Ray Developer Guide)."""
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
"""W3C Trace Context, "traceparent header field values"."""
_SHOWN: Final = 80
_NONE: Final = "0" * 32


def parse_trace_id(text: str, name: str = "ID") -> str:
    """Return the 32 hex digits of a trace id, of X-Ray's `1-…-…` or `Root=1-…-…`, or of a `traceparent`.

    Raises `OperatorError` for anything else, which calls it `name`.
    """
    trace_id = text.strip().lower()
    if match := _XRAY.fullmatch(trace_id):
        trace_id = match[1] + match[2]
    elif match := _TRACEPARENT.fullmatch(trace_id):
        trace_id = match[1]
    if not is_trace_id(trace_id):
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        raise OperatorError(
            f"{name} is {shown!r}, which is no trace id",
            "Pass the 32 hex digits of X-Trace-Id, X-Ray's 1-…-…, or a traceparent",
        )
    return trace_id


def is_trace_id(value: object) -> bool:
    """Return whether a record's trace id is one: 32 hex digits in lower case, not all of them 0."""
    return isinstance(value, str) and _HEX.fullmatch(value) is not None and value != _NONE


def xray_trace_id(trace_id: str) -> str:
    """Return 32 hex digits in X-Ray's format, `1-<8 digits>-<24 digits>`."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"


def hex_trace_id(xray_id: str) -> str:
    """Return the 32 hex digits of an id in X-Ray's format; "" of any other text."""
    match = _XRAY.fullmatch(xray_id.lower())
    return match[1] + match[2] if match else ""


def started(trace_id: str) -> float | None:
    """Return the time in the first 32 bits of an id of X-Ray's format, in seconds since the epoch.

    None for an id of another origin, whose first digits are random ("Trace ID format", AWS X-Ray Developer Guide).
    """
    seconds = int(trace_id[:8], 16) if is_trace_id(trace_id) else 0
    return float(seconds) if _OLDEST <= seconds <= _NEWEST else None


_OLDEST: Final = 1_600_000_000
_NEWEST: Final = 2_000_000_000
"""September 2020 and May 2033: a tenth of random ids lie between."""
