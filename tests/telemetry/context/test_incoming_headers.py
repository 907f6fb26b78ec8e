"""Each shape of header gives the id it should; a malformed one costs a new id, never an error and never a log line."""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from typing import NamedTuple

import pytest
from flask import Flask

from local.standins.server import Served
from service.telemetry.ids import span_hex, trace_hex
from tests.telemetry.backends import Observatory
from tests.telemetry.conftest import AppMaker
from tests.telemetry.tracing import (
    OTHER_ROOT,
    OTHER_TRACE,
    PARENT,
    PATH,
    ROOT,
    TRACE,
    TRACEPARENT,
    Headers,
    Kept,
    ask,
    beside_the_access_line,
    everything_is_heard,
    read,
)
from tests.unit.test_trace_context import MALFORMED_TRACEPARENTS, MALFORMED_TRACESTATES


class Expected(NamedTuple):
    trace_id: str = TRACE
    parent: str | None = None
    random: bool = False
    alb: str | None = None
    sampled: bool = True


NEW = None
SHAPES: dict[str, tuple[Headers, Expected | None]] = {
    "none": ({}, NEW),
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
    "root given twice": f"Root={ROOT};Root={OTHER_ROOT}",
    "header given twice": f"Root={ROOT},Root={OTHER_ROOT}",
    "header given twice, with parents": f"Root={ROOT};Parent={PARENT},Root={OTHER_ROOT};Parent={PARENT}",
    "header given twice, the first with a parent": f"Root={ROOT};Parent={PARENT},Root={OTHER_ROOT}",
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


def test_every_shape_gives_the_id_and_parent_it_should(traced: Flask, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(traced)
    everything_is_heard(caplog)
    found = {}
    for name, (headers, _) in SHAPES.items():
        answer = ask(traced, **headers)
        assert answer[:4] == (200, answer.response_trace_id, "00", answer.trace_id)
        got = Expected(answer.trace_id, None, answer.random, None, answer.sampled)
        for span in kept.take():
            assert span.context is not None
            assert (answer.trace_id, answer.span_id) == (
                trace_hex(span.context.trace_id),
                span_hex(span.context.span_id),
            )
            alb = (span.attributes or {}).get("aws.alb.trace_id")
            parent = span_hex(span.parent.span_id) if span.parent else None
            got = got._replace(parent=parent, alb=None if alb is None else str(alb))
        made_here = answer.trace_id not in {TRACE, OTHER_TRACE, "f" * 32}
        found[name] = NEW if made_here and got[1:] == Expected(random=True)[1:] else got
    assert found == {name: expected for name, (_, expected) in SHAPES.items()}
    assert beside_the_access_line(caplog) == []


def test_a_malformed_header_costs_a_new_id_and_no_line(traced: Flask, caplog: pytest.LogCaptureFixture) -> None:
    everything_is_heard(caplog)
    answers = {name: ask(traced, **headers) for name, headers in MALFORMED.items()}
    assert {name: answer.status for name, answer in answers.items() if answer.status != 200} == {}
    assert {name for name, answer in answers.items() if answer.trace_id in {TRACE, OTHER_TRACE}} == set()
    assert {name for name, answer in answers.items() if not answer.random} == set()
    assert len({answer.trace_id for answer in answers.values()}) == len(MALFORMED)
    assert beside_the_access_line(caplog) == []


def test_a_malformed_tracestate_costs_the_tracestate_alone(traced: Flask, caplog: pytest.LogCaptureFixture) -> None:
    everything_is_heard(caplog)
    for header in MALFORMED_TRACESTATES.values():
        assert ask(traced, traceparent=TRACEPARENT, tracestate=header).trace_id == TRACE
    assert beside_the_access_line(caplog) == []


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
def test_over_a_real_connection_it_is_the_same(
    traced: Flask, caplog: pytest.LogCaptureFixture, headers: list[tuple[str, str]], expected: str | None
) -> None:
    everything_is_heard(caplog)
    with closing(Served(traced)) as served:
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
        with closing(connection):
            connection.putrequest("GET", PATH)
            for name, value in headers:
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders()
            response = connection.getresponse()
            response.read()
            answer = read(response.status, response.getheader("X-Trace-Id"), response.getheader("traceresponse"))
    assert answer.status == 200
    assert (answer.trace_id == TRACE) == (expected == TRACE)
    assert beside_the_access_line(caplog) == []


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
def test_every_response_carries_the_id(
    make_app: AppMaker, observatory: Observatory, request_line: str, status: int, rate: int
) -> None:
    method, path = request_line.split()
    rule = f'{{"RuleName":"r","FixedRate":{rate},"ReservoirSize":0}}'
    app = make_app(
        {**observatory.honeycomb, "LOG_CONSOLE": "false", "FAULT_ROUTES": "true", "XRAY_SAMPLING_RULE": rule}
    )
    with app.test_client().open(path, method=method, buffered=True) as response:
        assert response.status_code == status
        assert [name for name, _ in response.headers if name in {"X-Trace-Id", "traceresponse"}] == [
            "X-Trace-Id",
            "traceresponse",
        ]
        answer = read(response.status_code, response.headers["X-Trace-Id"], response.headers["traceresponse"])
    assert re.fullmatch(r"[0-9a-f]{32}", answer.trace_id)
    assert re.fullmatch(r"(?!0{16})[0-9a-f]{16}", answer.span_id)
    assert (answer.version, answer.response_trace_id, answer.sampled) == ("00", answer.trace_id, bool(rate))
