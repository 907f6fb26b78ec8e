"""Incoming trace headers: valid ones set the trace id and parent, malformed ones yield a new id without a log line."""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from typing import NamedTuple

import pytest
from flask import Flask

from flask_onetrace.telemetry.ids import span_hex, trace_hex
from local.fakes.server import LocalServer
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import (
    OTHER_ROOT,
    OTHER_TRACE,
    PARENT,
    PATH,
    ROOT,
    TRACE,
    TRACEPARENT,
    Headers,
    SpanRecorder,
    capture_all_levels,
    get,
    other_messages,
    trace_response,
)
from tests.unit.trace_context_cases import MALFORMED_TRACEPARENTS, MALFORMED_TRACESTATES


class Expected(NamedTuple):
    trace_id: str = TRACE
    parent: str | None = None
    random: bool = False
    alb: str | None = None
    sampled: bool = True


NEW_TRACE = None
CASES: dict[str, tuple[Headers, Expected | None]] = {
    "none": ({}, NEW_TRACE),
    "traceparent": ({"traceparent": TRACEPARENT}, Expected(parent=PARENT)),
    "traceparent with tracestate and baggage": (
        {"traceparent": TRACEPARENT, "tracestate": "a=1,b=2", "baggage": "user=42"},
        Expected(parent=PARENT),
    ),
    "traceparent of a random id": ({"traceparent": f"00-{TRACE}-{PARENT}-03"}, Expected(parent=PARENT, random=True)),
    "traceparent not sampled": ({"traceparent": f"00-{TRACE}-{PARENT}-00"}, Expected(sampled=False)),
    "root, not sampled": ({"x_amzn_trace_id": f"Root={ROOT};Parent={PARENT};Sampled=0"}, Expected(sampled=False)),
    "traceparent of a future version": ({"traceparent": f"cc-{TRACE}-{PARENT}-01"}, Expected(parent=PARENT)),
    "traceparent of a future version with more": (
        {"traceparent": f"cc-{TRACE}-{PARENT}-01-more"},
        Expected(parent=PARENT),
    ),
    "traceparent that is not epoch-shaped": (
        {"traceparent": f"00-{'f' * 32}-{PARENT}-01"},
        Expected(trace_id="f" * 32, parent=PARENT),
    ),
    "root alone": ({"x_amzn_trace_id": f"Root={ROOT}"}, Expected()),
    "root and parent": ({"x_amzn_trace_id": f"Root={ROOT};Parent={PARENT}"}, Expected(parent=PARENT)),
    "root, parent, sampled": (
        {"x_amzn_trace_id": f"Root={ROOT};Parent={PARENT};Sampled=1"},
        Expected(parent=PARENT),
    ),
    "sampled left to us": ({"x_amzn_trace_id": f"Root={ROOT};Parent={PARENT};Sampled=?"}, Expected(parent=PARENT)),
    "self first": ({"x_amzn_trace_id": f"Self=1-67891234-12456789abcdef012345678;Root={ROOT}"}, Expected()),
    "any order": (
        {"x_amzn_trace_id": f"Sampled=1;CalledFrom=app;Parent={PARENT};Root={ROOT}"},
        Expected(parent=PARENT),
    ),
    "white space and empty fields": (
        {"x_amzn_trace_id": f" Root={ROOT} ;; Parent={PARENT};"},
        Expected(parent=PARENT),
    ),
    "a parent that is none": ({"x_amzn_trace_id": f"Root={ROOT};Parent=XYZ;Sampled=2"}, Expected()),
    "a parent of zeros": ({"x_amzn_trace_id": f"Root={ROOT};Parent={'0' * 16}"}, Expected()),
    "traceparent and another root": (
        {"traceparent": TRACEPARENT, "x_amzn_trace_id": f"Root={OTHER_ROOT}"},
        Expected(parent=PARENT, alb=OTHER_ROOT),
    ),
    "traceparent and the same root": (
        {"traceparent": TRACEPARENT, "x_amzn_trace_id": f"Root={ROOT}"},
        Expected(parent=PARENT),
    ),
    "traceparent and a malformed root": (
        {"traceparent": TRACEPARENT, "x_amzn_trace_id": "Root=1-2-3"},
        Expected(parent=PARENT),
    ),
    "malformed traceparent and a root": (
        {"traceparent": TRACEPARENT.upper(), "x_amzn_trace_id": f"Root={OTHER_ROOT}"},
        Expected(trace_id=OTHER_TRACE),
    ),
}

MALFORMED_ROOTS = {
    "empty root": "Root=",
    "no root": f"Parent={PARENT};Sampled=1",
    "one digit short": f"Root={ROOT[:-1]}",
    "one digit long": f"Root={ROOT}0",
    "upper case": f"Root={ROOT.upper()}",
    "zeros": "Root=1-00000000-000000000000000000000000",
    "other version": f"Root=2{ROOT[1:]}",
    "root sent twice": f"Root={ROOT};Root={OTHER_ROOT}",
    "header sent twice": f"Root={ROOT},Root={OTHER_ROOT}",
    "header sent twice, with parents": f"Root={ROOT};Parent={PARENT},Root={OTHER_ROOT};Parent={PARENT}",
    "header sent twice, the first with a parent": f"Root={ROOT};Parent={PARENT},Root={OTHER_ROOT}",
    "lower case name": f"root={ROOT}",
    "junk": "x" * 8192,
    "many fields": ";".join(f"k{number}=v" for number in range(1200)) + f";Root={ROOT}",
    "not ASCII": f"Root={ROOT[:-1]}\xe9",
    "no-break space": f"\xa0Root={ROOT}",
    "control character": f"Root={ROOT}\x00",
    "newline": f"Root={ROOT}\n",
}
MALFORMED: dict[str, Headers] = {
    **{f"traceparent: {name}": {"traceparent": header} for name, header in MALFORMED_TRACEPARENTS.items()},
    **{f"x-amzn-trace-id: {name}": {"x_amzn_trace_id": header} for name, header in MALFORMED_ROOTS.items()},
    "both": {"traceparent": "\xff" * 55, "x_amzn_trace_id": "\xff" * 55},
}


def test_each_header_combination_yields_the_expected_trace_id_and_parent(
    honeycomb_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = SpanRecorder(honeycomb_app)
    capture_all_levels(caplog)
    outcomes = {}
    for name, (headers, _) in CASES.items():
        response = get(honeycomb_app, **headers)
        assert response[:4] == (200, response.response_trace_id, "00", response.trace_id)
        outcome = Expected(response.trace_id, None, response.random, None, response.sampled)
        for span in recorder.take():
            assert span.context is not None
            assert (response.trace_id, response.span_id) == (
                trace_hex(span.context.trace_id),
                span_hex(span.context.span_id),
            )
            alb = (span.attributes or {}).get("aws.alb.trace_id")
            parent = span_hex(span.parent.span_id) if span.parent else None
            outcome = outcome._replace(parent=parent, alb=None if alb is None else str(alb))
        is_new = response.trace_id not in {TRACE, OTHER_TRACE, "f" * 32}
        outcomes[name] = NEW_TRACE if is_new and outcome[1:] == Expected(random=True)[1:] else outcome
    assert outcomes == {name: expected for name, (_, expected) in CASES.items()}
    assert other_messages(caplog) == []


def test_malformed_headers_yield_a_new_trace_id_and_no_log_line(
    honeycomb_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    capture_all_levels(caplog)
    responses = {name: get(honeycomb_app, **headers) for name, headers in MALFORMED.items()}
    assert {name: response.status for name, response in responses.items() if response.status != 200} == {}
    assert {name for name, response in responses.items() if response.trace_id in {TRACE, OTHER_TRACE}} == set()
    assert {name for name, response in responses.items() if not response.random} == set()
    assert len({response.trace_id for response in responses.values()}) == len(MALFORMED)
    assert other_messages(caplog) == []


def test_a_malformed_tracestate_does_not_invalidate_the_traceparent(
    honeycomb_app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    capture_all_levels(caplog)
    for header in MALFORMED_TRACESTATES.values():
        assert get(honeycomb_app, traceparent=TRACEPARENT, tracestate=header).trace_id == TRACE
    assert other_messages(caplog) == []


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("traceparent", TRACEPARENT)], TRACE),
        ([("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)], None),
        ([("X-Amzn-Trace-Id", f"Root={ROOT}"), ("X-Amzn-Trace-Id", f"Root={ROOT}")], None),
        ([("traceparent", TRACEPARENT), ("tracestate", "a=1"), ("tracestate", ""), ("tracestate", "b=2")], TRACE),
        ([("TraceParent", TRACEPARENT)], TRACE),
        ([("traceparent", "\xe9" * 55)], None),
        ([("baggage", "\xe9=1"), ("X-Amzn-Trace-Id", f"Root={ROOT}\x01")], None),
    ],
)
def test_headers_over_a_real_connection_are_treated_the_same(
    honeycomb_app: Flask, caplog: pytest.LogCaptureFixture, headers: list[tuple[str, str]], expected: str | None
) -> None:
    capture_all_levels(caplog)
    with closing(LocalServer(honeycomb_app)) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        with closing(connection):
            connection.putrequest("GET", PATH)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders()
            raw = connection.getresponse()
            raw.read()
            response = trace_response(raw.status, raw.getheader("X-Trace-Id"), raw.getheader("traceresponse"))
    assert response.status == 200
    assert (response.trace_id == TRACE) == (expected == TRACE)
    assert other_messages(caplog) == []


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET /api/health-check", 200),
        ("HEAD /api/health-check", 200),
        ("OPTIONS /api/activities/home", 200),
        ("GET /nope", 404),
        ("POST /api/activities/home", 405),
        ("GET /api/activities/search", 422),
        ("GET /api/fault", 500),
        ("BREW /api/fault", 405),
    ],
)
@pytest.mark.parametrize("rate", [0, 1])
def test_every_response_carries_its_trace_id(
    make_app: AppFactory, backends: FakeBackends, request_line: str, status: int, rate: int
) -> None:
    method, path = request_line.split()
    rule = f'{{"RuleName":"r","FixedRate":{rate},"ReservoirSize":0}}'
    app = make_app({**backends.honeycomb, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true", "XRAY_SAMPLING_RULE": rule})
    with app.test_client().open(path, method=method, buffered=True) as raw:
        assert raw.status_code == status
        assert [name for name, _ in raw.headers if name in {"X-Trace-Id", "traceresponse"}] == [
            "X-Trace-Id",
            "traceresponse",
        ]
        response = trace_response(raw.status_code, raw.headers["X-Trace-Id"], raw.headers["traceresponse"])
    assert re.fullmatch(r"[0-9a-f]{32}", response.trace_id)
    assert re.fullmatch(r"(?!0{16})[0-9a-f]{16}", response.span_id)
    assert (response.version, response.response_trace_id, response.sampled) == (
        "00",
        response.trace_id,
        bool(rate) or status >= 500,
    )
