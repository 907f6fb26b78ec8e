"""Parse the headers of W3C "Trace Context Level 2" and "Baggage" strictly: malformed input is never forwarded.

OpenTelemetry's own parsers follow level 1, which drops keys that level 2 allows, decode a plus sign in baggage as
a space, and log a warning for every malformed header, with which any client could flood the log.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_KEY = re.compile(r"[a-z0-9][a-z0-9_*/@-]{0,255}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]", re.ASCII)
_FORBIDDEN_VERSION = "ff"
_MAX_TRACEPARENT = 512
_MAX_MEMBERS = 32
_MAX_TRACESTATE = 8192
"""Our own limit, for parsing and forwarding: level 2 requires at least 512 characters."""
_LONG_MEMBER = 128
_SAMPLED, _RANDOM = 0x01, 0x02

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_BAGGAGE_MEMBER = re.compile(
    rf"[ \t]*({_TOKEN.pattern})[ \t]*=[ \t]*([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)[ \t]*(?:;.*)?", re.ASCII
)
_BAGGAGE_PLAIN = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_MAX_BAGGAGE = 8192
_MAX_BAGGAGE_MEMBERS = 180
"""The limit of OpenTelemetry's own propagators, more than the 64 that "Baggage" requires."""


class TraceParent(NamedTuple):
    """Ids as numbers, neither of them 0. `random` is level 2's random-trace-id flag."""

    trace_id: int
    parent_id: int
    sampled: bool
    random: bool


def parse_traceparent(header: str) -> TraceParent | None:
    """Return the ids and flags of `header`, or None if it is invalid. Of a future version, parse the known fields."""
    if len(header) > _MAX_TRACEPARENT:
        return None
    match = _TRACEPARENT.fullmatch(header.strip(" \t"))
    if match is None:
        return None
    version, trace_id, parent_id, flags, rest = match.groups()
    if version == _FORBIDDEN_VERSION or (version == "00" and rest is not None):
        return None
    bits = int(flags, 16)
    parsed = TraceParent(int(trace_id, 16), int(parent_id, 16), bool(bits & _SAMPLED), bool(bits & _RANDOM))
    return parsed if parsed.trace_id and parsed.parent_id else None


def parse_tracestate(header: str) -> str | None:
    """Return `header` without its optional white space and empty members, or None if any member is invalid.

    The whole list is dropped then, as the specification requires ("if the vendor failed to parse tracestate, it
    must not propagate it"): more than 32 members, or a malformed key or value. Of members with the same key the first
    is kept, which is the latest: they break a rule of the list, but can be parsed.
    """
    if not header or len(header) > 2 * _MAX_TRACESTATE:
        return None
    members = [member for member in (each.strip(" \t") for each in header.split(",")) if member]
    by_key: dict[str | None, str] = {}
    for member in members:
        by_key.setdefault(_key(member), member)
    if None in by_key or not 0 < len(members) <= _MAX_MEMBERS:
        return None
    return ",".join(_truncate(list(by_key.values())))


def _key(member: str) -> str | None:
    key, _, value = member.partition("=")
    return key if _KEY.fullmatch(key) and _VALUE.fullmatch(value) else None


def _truncate(members: list[str]) -> list[str]:
    """Remove long members, the last first, until the header fits the limit ("tracestate Limits", level 2)."""
    remaining = list(members)
    for member in reversed(members):
        if len(",".join(remaining)) <= _MAX_TRACESTATE:
            break
        if len(member) > _LONG_MEMBER:
            remaining.remove(member)
    return remaining


def parse_baggage(header: str) -> dict[str, str]:
    """Return the valid members of `header` by name, with decoded values and without properties."""
    if not header or len(header) > _MAX_BAGGAGE:
        return {}
    matches = (_BAGGAGE_MEMBER.fullmatch(member) for member in header.split(",", _MAX_BAGGAGE_MEMBERS))
    return {member[1]: unquote(member[2]) for member in matches if member is not None}


def format_baggage(entries: Mapping[str, object]) -> str:
    """Return the header for `entries`, without those whose name is invalid or that would exceed the size limit."""
    members: list[str] = []
    available = _MAX_BAGGAGE
    for name, value in list(entries.items())[:_MAX_BAGGAGE_MEMBERS]:
        member = f"{name}={quote(str(value), safe=_BAGGAGE_PLAIN, errors='replace')}"
        if _TOKEN.fullmatch(name) and len(member) < available:
            members.append(member)
            available -= len(member) + 1
    return ",".join(members)
