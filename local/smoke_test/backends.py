"""Look for one trace id in each of the four places, the way a person with that place's API would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import requests

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.ports import LOOPBACK
from local.workspace.state import StandInPorts
from service.contract import LOG_GROUP

ASK_SECONDS: Final = 3


@dataclass(frozen=True, slots=True)
class Place:
    """`find` returns what the place holds of a trace id in one phrase, or None while it holds nothing."""

    name: str
    find: Callable[[str], str | None]


def all_places(aws: EmulatedAws, stand_ins: StandInPorts) -> dict[str, Place]:
    """Return the four places by name."""
    xray, logs = aws.xray, aws.logs
    honeycomb_url, rollbar_url = (f"http://{LOOPBACK}:{port}" for port in (stand_ins.honeycomb, stand_ins.rollbar))

    def in_honeycomb(trace_id: str) -> str | None:
        return describe_spans(_get(f"{honeycomb_url}/traces/{trace_id}"))

    def in_xray(trace_id: str) -> str | None:
        traces = xray.batch_get_traces(TraceIds=[xray_id(trace_id)])["Traces"]
        documents = [json.loads(segment["Document"]) for trace in traces for segment in trace.get("Segments", [])]
        return describe_segments(documents)

    def in_logs(trace_id: str) -> str | None:
        events = logs.filter_log_events(logGroupName=LOG_GROUP, filterPattern=f'"{trace_id}"')["events"]
        return describe_lines([event["message"] for event in events if trace_id in event["message"]])

    def in_rollbar(trace_id: str) -> str | None:
        return describe_items(_get(f"{rollbar_url}/items", trace_id=trace_id))

    finders = {"Honeycomb": in_honeycomb, "X-Ray": in_xray, "CloudWatch Logs": in_logs, "Rollbar": in_rollbar}
    return {name: Place(name, find) for name, find in finders.items()}


def xray_id(trace_id: str) -> str:
    """Return the 32 hex digits as X-Ray writes them: `1-8-24`."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"


def describe_spans(spans: list[dict[str, Any]]) -> str | None:
    """Return `2 spans: outer > inner`; None unless the request's own span is among them: its children come earlier."""
    if not any(span["kind"] == "server" for span in spans):
        return None
    names = [span["name"] for span in sorted(spans, key=lambda span: int(span["start_ns"]))]
    return f"{counted(len(names), 'span')}: {' > '.join(names)}"


def describe_segments(documents: list[dict[str, Any]]) -> str | None:
    """Return `1 segment: name 200, subsegments ...`; None without a segment."""
    if not documents:
        return None
    first = min(documents, key=lambda document: float(document.get("start_time", 0)))
    status = first.get("http", {}).get("response", {}).get("status", "")
    inner = [each["name"] for each in first.get("subsegments", [])]
    nested = f", {counted(len(inner), 'subsegment')}: {', '.join(inner)}" if inner else ""
    return f"{counted(len(documents), 'segment')}: {first['name']} {status}".rstrip() + nested


def describe_lines(messages: list[str]) -> str | None:
    """Return `1 line: method, route and status of the access line`; None without a line."""
    if not messages:
        return None
    fields: Mapping[str, Any] = next((each for each in map(_as_object, messages) if "status" in each), {})
    access = " ".join(str(fields[name]) for name in ("method", "route", "status") if name in fields)
    return f"{counted(len(messages), 'line')}: {access or messages[0]}"


def describe_items(items: list[dict[str, Any]]) -> str | None:
    """Return `1 item: class and message of the exception`; None without an item."""
    if not items:
        return None
    body = items[0].get("body", {})
    trace: dict[str, Any] = body.get("trace") or next(iter(body.get("trace_chain", [])), {})
    exception = trace.get("exception", {})
    return f"{counted(len(items), 'item')}: {exception.get('class', 'message')}: {exception.get('message', '')}"


def counted(count: int, noun: str) -> str:
    """Return `1 span`, `2 spans`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _as_object(message: str) -> dict[str, Any]:
    try:
        read = json.loads(message)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _get(url: str, **query: str) -> list[dict[str, Any]]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(url, params=query, timeout=ASK_SECONDS)
        answer.raise_for_status()
        found: list[dict[str, Any]] = answer.json()
        return found
