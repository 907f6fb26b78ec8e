"""Read the headers of W3C "Trace Context Level 2", strictly: nothing malformed is taken or forwarded.

OpenTelemetry's own reader follows level 1, which drops keys that level 2 allows, and logs a warning for every
malformed header, which would let a stranger fill the log.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_*/@-]{0,255}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", re.ASCII)
_FORBIDDEN_VERSION = "ff"
_MAX_TRACEPARENT = 512
_MAX_MEMBERS = 32
_MAX_TRACESTATE = 8192
"""A limit of ours: level 2 sets none, 32 members of the longest kind are 16,447 characters."""
_SAMPLED = 0x01


class TraceParent(NamedTuple):
    """Ids as numbers, neither of them 0."""

    trace_id: int
    parent_id: int
    sampled: bool


def parse_traceparent(header: str) -> TraceParent | None:
    """Return what `header` says, or None where it is not valid. A future version is read as far as it is known."""
    if len(header) > _MAX_TRACEPARENT:
        return None
    found = _TRACEPARENT.fullmatch(header.strip(" \t"))
    if found is None:
        return None
    version, trace_id, parent_id, flags, rest = found.groups()
    if version == _FORBIDDEN_VERSION or (version == "00" and rest is not None):
        return None
    parsed = TraceParent(int(trace_id, 16), int(parent_id, 16), bool(int(flags, 16) & _SAMPLED))
    return parsed if parsed.trace_id and parsed.parent_id else None


def parse_tracestate(header: str) -> str | None:
    """Return `header` without its optional white space and empty members, or None where any member is not valid.

    The whole list is dropped then, as the specification asks ("if the vendor failed to parse tracestate, it
    must not propagate it"): a key given twice, more than 32 members, a key or value of the wrong form.
    """
    if not header or len(header) > _MAX_TRACESTATE:
        return None
    members = [member.strip(" \t") for member in header.split(",")]
    members = [member for member in members if member]
    keys = set()
    for member in members:
        key, _, value = member.partition("=")
        if key in keys or not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
            return None
        keys.add(key)
    return ",".join(members) if 0 < len(members) <= _MAX_MEMBERS else None
