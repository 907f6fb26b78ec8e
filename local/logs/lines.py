"""Parse a line: the application's JSON objects, what gunicorn prints, and any other text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from flask_onetrace.contract import ACCESS_LOGGER
from local.logs.tails import Entry
from operations.traces.summary import own_fields

TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_GUNICORN: Final = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4})\] \[\d+\] \[([A-Z]+)\] (.*)")
"""The default format of gunicorn's error log (gunicorn/glogging.py)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line. `fields` is its JSON object, empty for other text; `level` is "" where the text names none."""

    entry: Entry
    time: datetime | None
    level: str
    message: str
    fields: Mapping[str, Any]

    @property
    def trace_id(self) -> str | None:
        """Return the request's trace id, None outside a request."""
        value = self.fields.get("trace_id")
        return value if isinstance(value, str) and TRACE_ID.fullmatch(value) else None

    @property
    def is_access_line(self) -> bool:
        """Return whether it is the last line of a request."""
        return self.fields.get("logger") == ACCESS_LOGGER

    @property
    def extra(self) -> dict[str, Any]:
        """Return the fields that the application gave."""
        return own_fields(self.fields)


def parse(entry: Entry) -> Line:
    """Return the line of an entry, whose text may be anything."""
    fields = _json_object(entry.text)
    if fields is not None:
        time = _timestamp(fields.get("timestamp")) or _of_milliseconds(entry)
        level, message = (str(fields.get(name) or "") for name in ("level", "message"))
        return Line(entry=entry, time=time, level=level, message=message, fields=fields)
    time, level, message = _of_milliseconds(entry), "", entry.text
    if match := _GUNICORN.fullmatch(entry.text):
        time = datetime.strptime(match[1], "%Y-%m-%d %H:%M:%S %z") if time is None else time
        level, message = match[2], match[3]
    return Line(entry=entry, time=time, level=level, message=message, fields={})


def in_order(lines: list[Line]) -> list[Line]:
    """Return the lines of several sources by time; one without a time stays behind the one it follows."""
    moments, latest = [], datetime.min.replace(tzinfo=UTC)
    source: object = None
    for line in lines:
        if line.entry.source != source:
            source, latest = line.entry.source, datetime.min.replace(tzinfo=UTC)
        latest = line.time or latest
        moments.append(latest)
    return [line for _, line in sorted(zip(moments, lines, strict=True), key=lambda pair: pair[0])]


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _timestamp(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


def _of_milliseconds(entry: Entry) -> datetime | None:
    try:
        return None if entry.milliseconds is None else datetime.fromtimestamp(entry.milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
