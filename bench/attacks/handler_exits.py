"""Leave handlers in unusual ways: what is no `Exception`, a stop in mid-request, a client that goes away."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target
from bench.attacks.promise import Promise, Row
from bench.attacks.received import Received
from bench.attacks.target_app import EXITS
from flask_onetrace.contract import STOP_TIMEOUT_SECONDS

_SHUTDOWN_DEADLINE = 24
"""Seconds for the sinks, which leave gunicorn a graceful timeout of one: the default of 15 takes too long here."""
_RAISE_ROUTE = "/attack/raise/<kind>"
_WAIT_ROUTE = "/attack/wait/<float:seconds>"
_STREAM_ROUTE = "/attack/stream"
_SOME_CHUNKS = 20
RAISED = Promise(
    f"a handler raises {', '.join(EXITS)}",
    "500, with item, span and access line of the route; the same worker serves on",
)
STOPPED = Promise(
    "SIGTERM while a request runs past the graceful timeout",
    f"its span and access line arrive, and the process ends within {STOP_TIMEOUT_SECONDS} s",
)
CLIENT_LEFT = Promise(
    "a client that leaves in the middle of a response", "the span and the access line say so, with the route"
)
PROMISES = (RAISED, CLIENT_LEFT, STOPPED)


def run(lab: Lab) -> Iterator[Row]:
    """Leave a handler in each way."""
    problems = []
    with lab.target() as target:
        for kind in EXITS:
            found = _problems_of(target, kind)
            problems += [f"{kind}: {', '.join(found)}"] if found else []
    yield RAISED.row("; ".join(problems) or f"all {len(EXITS)}", holds=not problems)
    with lab.target() as target:
        yield _client_leaves(target)
    with lab.target({"TELEMETRY_SHUTDOWN_DEADLINE": str(_SHUTDOWN_DEADLINE)}) as target:
        yield _stopped(target)


def _problems_of(target: Target, kind: str) -> list[str]:
    worker, trace_id = target.service.worker, secrets.token_hex(16)
    response = raw_http.get(target.port, f"/attack/raise/{kind}", {"traceparent": f"00-{trace_id}-{'1' * 16}-01"})
    target.answers()
    received = target.received
    received.wait_for(lambda _: trace_id in str(received.items()) and bool(_ended(received, trace_id)), 3.0)
    spans = [span for span in received.spans() if span["traceId"] == trace_id]
    checks = {
        f"HTTP {response.status}" if response.status else "no response": response.status == 500,
        "another worker": target.service.worker == worker,
        "no item": trace_id in str(received.items()),
        "no span with the route": any(span["attributes"].get("http.route") == _RAISE_ROUTE for span in spans),
        "no line with the route": any(line.get("route") == _RAISE_ROUTE for line in _ended(received, trace_id)),
    }
    return [problem for problem, is_well in checks.items() if not is_well]


def _ended(received: Received, trace_id: str) -> list[dict[str, Any]]:
    return [line for line in received.lines() if line.get("trace_id") == trace_id and "status" in line]


def _client_leaves(target: Target) -> Row:
    with suppress(OSError), raw_http.connect(target.port) as connection:
        connection.sendall(raw_http.request(_STREAM_ROUTE))
        for _ in range(_SOME_CHUNKS):
            connection.recv(65_536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    target.received.wait_for(lambda received: bool(_by_route(received.lines(), _STREAM_ROUTE)), 4.0)
    target.received.settle(1.0)
    spans = [span for span in target.received.spans() if span["attributes"].get("http.route") == _STREAM_ROUTE]
    lines = _by_route(target.received.lines(), _STREAM_ROUTE)
    span_says = any("error.type" in span["attributes"] or span.get("status", {}).get("code") == 2 for span in spans)
    line_says = any(set(line) - _usual_fields(target) for line in lines)
    text = f"span: {_said(spans, says=span_says)}; line: {_said(lines, says=line_says)}"
    return CLIENT_LEFT.row(text, holds=span_says and line_says)


def _usual_fields(target: Target) -> set[str]:
    """Return the fields of the access line of a response that was read to its end."""
    return {
        name for line in target.received.lines() if line.get("status") == 200 and not _is_stream(line) for name in line
    }


def _is_stream(line: dict[str, Any]) -> bool:
    return bool(line.get("route") == _STREAM_ROUTE)


def _stopped(target: Target) -> Row:
    with raw_http.connect(target.port) as connection:
        connection.sendall(raw_http.request("/attack/wait/120.0"))
        time.sleep(0.5)
        seconds = target.service.stop(STOP_TIMEOUT_SECONDS + 5.0)
    target.received.settle(1.0)
    lines = _by_route(target.received.lines(), _WAIT_ROUTE)
    spans = [span for span in target.received.spans() if span["attributes"].get("http.route") == _WAIT_ROUTE]
    ended = "killed" if seconds is None else f"{seconds:.1f} s"
    text = f"span: {_said(spans, says=True)}; line: {_said(lines, says=True)}; ended: {ended}"
    is_in_time = seconds is not None and seconds <= STOP_TIMEOUT_SECONDS
    return STOPPED.row(text, holds=bool(spans and lines) and is_in_time)


def _by_route(lines: list[dict[str, Any]], route: str) -> list[dict[str, Any]]:
    return [line for line in lines if line.get("route") == route and "status" in line]


def _said(documents: list[dict[str, Any]], *, says: bool) -> str:
    return "none" if not documents else "yes" if says else "as if it had been read"
