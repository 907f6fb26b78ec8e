"""Random headers neither raise, nor are logged, nor fail a request."""

from __future__ import annotations

import random
import re

import pytest
from flask import Flask
from opentelemetry import baggage

from flask_onetrace.telemetry.context.propagation import IncomingContext, extract_baggage, resolve
from tests.telemetry.tracing import (
    PARENT,
    ROOT,
    TRACE,
    TRACEPARENT,
    capture_all_levels,
    get,
    other_messages,
)

PIECES = [
    *(f"{piece}" for piece in (TRACEPARENT, TRACE, PARENT, ROOT, f"Root={ROOT}", f"Parent={PARENT}", "Sampled=1")),
    *"-=,; \t\x00\n\x7f\xe9\xffAZaz09%@*/_",
    "00",
    "cc",
    "ff",
    "a=1",
    "Root=",
    "Self=",
    "x" * 300,
    "%C3%",
]

VALID = [TRACEPARENT, TRACEPARENT, f"Root={ROOT};Parent={PARENT};Sampled=1", "a=1,b@=2", "k=v;p=1,l=w"]

VARIABLES = ("HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_X_AMZN_TRACE_ID", "HTTP_BAGGAGE")


def random_header(rng: random.Random) -> str:
    """Join random pieces, or mutate one character of a valid header, which reaches deeper into the parser."""
    if rng.random() < 0.6:
        text = list(rng.choice(VALID))
        if rng.random() < 0.5:
            return "".join(text)
        text[rng.randrange(len(text))] = rng.choice(["", chr(rng.randrange(256)), rng.choice(PIECES)])
        return "".join(text)
    return "".join(rng.choices(PIECES, k=rng.randrange(12)))


def test_random_headers_neither_raise_nor_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    rng = random.Random(20261123)
    counts = {"new": 0, "known": 0, "baggage": 0, "tracestate": 0}
    for _ in range(2000):
        environ = {name: random_header(rng) for name in VARIABLES}
        trace_id, context = resolve(environ)
        entries = baggage.get_all(extract_baggage(environ))
        assert not trace_id or (len(trace_id) == 32 and int(trace_id, 16))
        assert trace_id or context == IncomingContext()
        assert context.parent_id != 0
        counts["known" if trace_id else "new"] += 1
        counts["baggage"] += bool(entries)
        counts["tracestate"] += bool(context.tracestate)
    assert min(counts.values()) > 10, counts
    assert caplog.records == []


def test_requests_with_random_headers_are_all_served(honeycomb_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    capture_all_levels(caplog)
    rng = random.Random(7)
    for _ in range(100):
        environ = {name.removeprefix("HTTP_").lower(): random_header(rng) for name in VARIABLES}
        response = get(honeycomb_app, **environ)
        assert (response.status, response.version) == (200, "00")
        assert re.fullmatch(r"(?!0{32})[0-9a-f]{32}", response.trace_id)
    assert other_messages(caplog) == []
