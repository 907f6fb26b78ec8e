"""Read the headers of W3C "Trace Context Level 2" and "Baggage", strictly: nothing malformed is taken or forwarded.

OpenTelemetry's own readers follow level 1, which drops keys that level 2 allows, decode a plus sign in baggage as
a blank, and log a warning for every malformed header, which would let a stranger fill the log.
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
"""A limit of ours, for what is read and what is forwarded: level 2 asks for 512 characters at least."""
_LONG_MEMBER = 128
_SAMPLED, _RANDOM = 0x01, 0x02

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_BAGGAGE_MEMBER = re.compile(
    rf"[ \t]*({_TOKEN.pattern})[ \t]*=[ \t]*([\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*)[ \t]*(?:;.*)?", re.ASCII
)
_BAGGAGE_PLAIN = "!#$&'()*+-./:<=>?@[]^_`{|}~"
_MAX_BAGGAGE = 8192
_MAX_BAGGAGE_MEMBERS = 180
"""More than the 64 that "Baggage" asks for; what OpenTelemetry's own propagators take."""


class TraceParent(NamedTuple):
    """Ids as numbers, neither of them 0. `random` is level 2's random-trace-id flag."""

    trace_id: int
    parent_id: int
    sampled: bool
    random: bool


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
    bits = int(flags, 16)
    parsed = TraceParent(int(trace_id, 16), int(parent_id, 16), bool(bits & _SAMPLED), bool(bits & _RANDOM))
    return parsed if parsed.trace_id and parsed.parent_id else None


def parse_tracestate(header: str) -> str | None:
    """Return `header` without its optional white space and empty members, or None where any member is not valid.

    The whole list is dropped then, as the specification asks ("if the vendor failed to parse tracestate, it
    must not propagate it"): a key given twice, more than 32 members, a key or value of the wrong form.
    """
    if not header or len(header) > 2 * _MAX_TRACESTATE:
        return None
    members = [member for member in (each.strip(" \t") for each in header.split(",")) if member]
    keys = {_key(member) for member in members}
    if None in keys or not 0 < len(keys) == len(members) <= _MAX_MEMBERS:
        return None
    return ",".join(_shortened(members))


def _key(member: str) -> str | None:
    key, _, value = member.partition("=")
    return key if _KEY.fullmatch(key) and _VALUE.fullmatch(value) else None


def _shortened(members: list[str]) -> list[str]:
    """Leave out long members, the last first, until the rest may be forwarded ("tracestate Limits", level 2)."""
    kept = list(members)
    for member in reversed(members):
        if len(",".join(kept)) <= _MAX_TRACESTATE:
            break
        if len(member) > _LONG_MEMBER:
            kept.remove(member)
    return kept


def parse_baggage(header: str) -> dict[str, str]:
    """Return the valid members of `header` by name, their values decoded and without their properties."""
    if not header or len(header) > _MAX_BAGGAGE:
        return {}
    found = (_BAGGAGE_MEMBER.fullmatch(member) for member in header.split(",", _MAX_BAGGAGE_MEMBERS))
    return {member[1]: unquote(member[2]) for member in found if member is not None}


def format_baggage(entries: Mapping[str, object]) -> str:
    """Return the header that says `entries`, without those that no header can say or that would make it too long."""
    written: list[str] = []
    room = _MAX_BAGGAGE
    for name, value in list(entries.items())[:_MAX_BAGGAGE_MEMBERS]:
        member = f"{name}={quote(str(value), safe=_BAGGAGE_PLAIN, errors='replace')}"
        if _TOKEN.fullmatch(name) and len(member) < room:
            written.append(member)
            room -= len(member) + 1
    return ",".join(written)
