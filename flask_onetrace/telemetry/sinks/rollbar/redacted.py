"""Redact an error item, whatever the application has configured the SDK to scrub."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flask_onetrace.telemetry.redaction import REDACTED, Redactor
from flask_onetrace.telemetry.redaction.copies import unchanged
from flask_onetrace.telemetry.redaction.limits import MAX_NAME, cut

_OUR_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}|1-[0-9a-f]{8}-[0-9a-f]{24}")
_OUR_IDS = ("trace_id", "xray_trace_id", "span_id")
"""Members of `custom` that are ours: digits alone could be taken for a card number."""
_MAX_CODE = 1_000
"""Characters of a source line."""
_MAX_FRAMES = 256


def redact_item(data: Mapping[str, Any], redact: Redactor, *, but_frames: bool = False) -> dict[str, Any]:
    """Return the SDK's item ("Create an Item", Rollbar API reference) without secrets, and cut to what is shown.

    `but_frames` leaves the frames of tracebacks as they are: they have been redacted one by one.
    """
    special: dict[str, Callable[..., dict[str, Any]]] = {
        "body": partial(_body, but_frames=but_frames),
        "request": _request,
        "custom": _custom,
        "server": _server,
    }
    return {
        key: special[key](value, redact)
        if key in special and isinstance(value, dict)
        else redact.copier(unchanged).member(key, value)
        for key, value in data.items()
    }


def _body(body: Mapping[str, Any], redact: Redactor, *, but_frames: bool) -> dict[str, Any]:
    copy: dict[str, Any] = {}
    for key, value in body.items():
        if key == "trace" and isinstance(value, dict):
            copy[key] = _trace(value, redact, but_frames=but_frames)
        elif key == "trace_chain":
            copy[key] = [_trace(each, redact, but_frames=but_frames) for each in value]
        else:
            copy[key] = redact.copier(unchanged).member(key, value)
    return copy


def _trace(trace: Mapping[str, Any], redact: Redactor, *, but_frames: bool) -> dict[str, Any]:
    rest = redact.copier(unchanged).mapping({key: trace[key] for key in trace if key != "frames"})
    frames = trace.get("frames", ())[-_MAX_FRAMES:]
    return {**rest, "frames": frames if but_frames else [_frame(each, redact) for each in frames]}


def _frame(frame: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    """Return a frame. Its source lines name secrets, and hold none."""
    copy = {key: cut(value, _MAX_CODE) if isinstance(value, str) else value for key, value in frame.items()}
    if "locals" in frame:
        copy["locals"] = redact.copier(unchanged).value(frame["locals"])
    return copy


def _request(request: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    copier = redact.copier(unchanged)
    copy = copier.mapping(request)
    if isinstance(query := request.get("GET"), Mapping):
        copy["GET"] = {
            redact.text(str(name), MAX_NAME): REDACTED
            if redact.hides_in_query(str(name))
            else copier.member(str(name), value)
            for name, value in query.items()
        }
    return copy


def _custom(custom: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    ids = {name: custom[name] for name in _OUR_IDS if name in custom}
    ours = {name: value for name, value in ids.items() if isinstance(value, str) and _OUR_ID.fullmatch(value)}
    return {**redact.copier(unchanged).mapping(custom), **ours}


def _server(server: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    copy = redact.copier(unchanged).mapping(server)
    if isinstance(arguments := copy.get("argv"), list):
        for position, option in enumerate(arguments[:-1], 1):
            if str(option).startswith("--") and "=" not in str(option) and redact.hides(str(option)):
                arguments[position] = REDACTED
    return copy
