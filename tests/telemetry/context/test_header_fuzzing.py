"""No header whatever raises, is logged, or costs a request its response."""

from __future__ import annotations

import random
import re

import pytest
from flask import Flask
from opentelemetry import baggage

from service.telemetry.context.propagation import IncomingContext, extract_baggage, resolve
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


READ = ("HTTP_TRACEPARENT", "HTTP_TRACESTATE", "HTTP_X_AMZN_TRACE_ID", "HTTP_BAGGAGE")


def scramble(draw: random.Random) -> str:
    """Put pieces together; now and then change one character of something valid, which gets further."""
    if draw.random() < 0.6:
        text = list(draw.choice(VALID))
        if draw.random() < 0.5:
            return "".join(text)
        text[draw.randrange(len(text))] = draw.choice(["", chr(draw.randrange(256)), draw.choice(PIECES)])
        return "".join(text)
    return "".join(draw.choices(PIECES, k=draw.randrange(12)))


def test_random_headers_neither_raise_nor_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    draw = random.Random(20261123)
    kinds = {"new": 0, "known": 0, "baggage": 0, "tracestate": 0}
    for _ in range(2000):
        environ = {name: scramble(draw) for name in READ}
        found = resolve(environ)
        entries = baggage.get_all(extract_baggage(environ))
        assert (found == IncomingContext()) == (found.trace_id is None)
        assert found.trace_id != 0
        assert found.parent_id != 0
        kinds["new" if found.trace_id is None else "known"] += 1
        kinds["baggage"] += bool(entries)
        kinds["tracestate"] += bool(found.tracestate)
    assert min(kinds.values()) > 10, kinds
    assert caplog.records == []


def test_requests_with_random_headers_are_all_served(honeycomb_app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    capture_all_levels(caplog)
    draw = random.Random(7)
    for _ in range(100):
        environ = {name.removeprefix("HTTP_").lower(): scramble(draw) for name in READ}
        response = get(honeycomb_app, **environ)
        assert (response.status, response.version) == (200, "00")
        assert re.fullmatch(r"(?!0{32})[0-9a-f]{32}", response.trace_id)
    assert other_messages(caplog) == []
