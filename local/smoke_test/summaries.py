"""Summarize in one phrase what a telemetry backend has of a trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def summarize_spans(spans: list[dict[str, Any]]) -> str | None:
    """Return `2 spans: outer > inner`, or None until the server span, which ends last, is among them."""
    if not any(span["kind"] == "server" for span in spans):
        return None
    names = [span["name"] for span in sorted(spans, key=lambda span: int(span["start_ns"]))]
    return f"{counted(len(names), 'span')}: {' > '.join(names)}"


def summarize_segments(documents: list[dict[str, Any]]) -> str | None:
    """Return `1 segment: <name> 200, 1 subsegment: <name>`, or None without a segment."""
    if not documents:
        return None
    root = min(documents, key=lambda document: float(document.get("start_time", 0)))
    status = root.get("http", {}).get("response", {}).get("status", "")
    names = [each["name"] for each in root.get("subsegments", [])]
    subsegments = f", {counted(len(names), 'subsegment')}: {', '.join(names)}" if names else ""
    return f"{counted(len(documents), 'segment')}: {root['name']} {status}".rstrip() + subsegments


def summarize_log_lines(messages: list[str]) -> str | None:
    """Return `2 lines: <method> <route> <status>` of the access line, or None without a line."""
    if not messages:
        return None
    fields: Mapping[str, Any] = next((each for each in map(_parse_object, messages) if "status" in each), {})
    access = " ".join(str(fields[name]) for name in ("method", "route", "status") if name in fields)
    return f"{counted(len(messages), 'line')}: {access or messages[0]}"


def summarize_items(items: list[dict[str, Any]]) -> str | None:
    """Return `1 item: <class>: <message>` of the exception, or None without an item."""
    if not items:
        return None
    body = items[0].get("body", {})
    trace: dict[str, Any] = body.get("trace") or next(iter(body.get("trace_chain", [])), {})
    exception = trace.get("exception", {})
    return f"{counted(len(items), 'item')}: {exception.get('class', 'message')}: {exception.get('message', '')}"


def counted(count: int, noun: str) -> str:
    """Return `1 span`, `2 spans`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _parse_object(message: str) -> dict[str, Any]:
    try:
        value = json.loads(message)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
