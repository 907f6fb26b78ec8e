"""Outgoing requests carry the current span's ids and the caller's valid tracestate, and its baggage to listed hosts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

import pytest
import requests
from flask import Flask, request
from opentelemetry import baggage, trace

from local.fakes.server import LocalServer
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import (
    PARENT,
    ROOT,
    TRACE,
    TRACEPARENT,
    SpanRecorder,
    capture_all_levels,
    get,
    other_messages,
)
from tests.unit.trace_context_cases import MALFORMED_TRACESTATES, VALID_TRACESTATES

NEVER = '{"RuleName":"never","FixedRate":0,"ReservoirSize":0}'
ALWAYS = '{"RuleName":"always","FixedRate":1,"ReservoirSize":0}'
NAMES = ("traceparent", "tracestate", "X-Amzn-Trace-Id", "baggage")


class Upstream:
    """A service that an app under test calls; it records the trace headers, each with all its values."""

    def __init__(self) -> None:
        self._received: list[dict[str, list[str]]] = []
        self.app = Flask("upstream")
        self.app.get("/")(self._record)

    def _record(self) -> str:
        self._received.append({name: values for name in NAMES if (values := request.headers.getlist(name))})
        return "ok"

    def take(self) -> dict[str, str]:
        """Return the headers of the only request since the last call."""
        [received] = self._received
        self._received.clear()
        assert [name for name, values in received.items() if len(values) != 1] == []
        return {name: values[0] for name, values in received.items()}


class Caller(NamedTuple):
    app: Flask
    upstream: Upstream
    url: str


@pytest.fixture
def upstream(socket_enabled: None) -> Iterator[tuple[Upstream, str]]:  # noqa: ARG001 - it listens on 127.0.0.1
    service = Upstream()
    with closing(LocalServer(service.app)) as served:
        yield service, served.url


def with_upstream_route(app: Flask, upstream: tuple[Upstream, str]) -> Caller:
    """Give `app` a route that calls the other service."""
    service, url = upstream

    @app.get("/call")
    def call() -> str:
        return requests.get(url, timeout=60).text

    return Caller(app, service, url)


@pytest.fixture
def caller(make_app: AppFactory, backends: FakeBackends, upstream: tuple[Upstream, str]) -> Caller:
    environment = {**backends.honeycomb, "LOG_CONSOLE": "false", "BAGGAGE_HOSTS": "127.0.0.1"}
    return with_upstream_route(make_app(environment), upstream)


def test_a_tracestate_is_forwarded_unchanged_or_not_at_all(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    capture_all_levels(caplog)
    forwarded = {}
    cases = {name: header for name, (header, _) in VALID_TRACESTATES.items()} | MALFORMED_TRACESTATES
    for name, header in cases.items():
        assert get(caller.app, "/call", traceparent=TRACEPARENT, tracestate=header).status == 200
        forwarded[name] = caller.upstream.take().get("tracestate")
    expected = {name: header if changed is None else changed for name, (header, changed) in VALID_TRACESTATES.items()}
    assert forwarded == expected | dict.fromkeys(MALFORMED_TRACESTATES)
    assert other_messages(caplog) == []


def test_no_tracestate_is_forwarded_without_a_valid_traceparent(caller: Caller) -> None:
    for headers in ({}, {"traceparent": TRACEPARENT + "0"}, {"x_amzn_trace_id": f"Root={ROOT}"}):
        assert get(caller.app, "/call", tracestate="a=1", **headers).status == 200
        assert "tracestate" not in caller.upstream.take()


@pytest.mark.parametrize(
    ("incoming", "outgoing"),
    [
        ("user=42,team=blue", "user=42,team=blue"),
        ("a=1+2,b=J%C3%BCrgen", "a=1+2,b=J%C3%BCrgen"),
        ("a=1;ttl=3 , b = 2", "a=1,b=2"),
        ("a=1,\xe9=2,b c=3,d=4\x00", "a=1"),
        ("\xe9", None),
        ("x" * 9000, None),
        ("a=" + "/" * 8000, "a=" + "/" * 8000),
        (",".join(f"k{n}=v" for n in range(300)), ",".join(f"k{n}=v" for n in range(180))),
    ],
)
def test_valid_baggage_is_forwarded(
    caller: Caller, caplog: pytest.LogCaptureFixture, incoming: str, outgoing: str | None
) -> None:
    capture_all_levels(caplog)
    assert get(caller.app, "/call", baggage=incoming).status == 200
    assert caller.upstream.take().get("baggage") == outgoing
    assert other_messages(caplog) == []


def test_a_handler_can_read_and_extend_the_baggage(caller: Caller) -> None:
    from opentelemetry import context  # noqa: PLC0415 - needed only by this handler

    @caller.app.get("/add")
    def add() -> str:
        token = context.attach(baggage.set_baggage("seen", f"{baggage.get_baggage('user')} ü"))
        try:
            return requests.get(caller.url, timeout=60).text
        finally:
            context.detach(token)

    assert get(caller.app, "/add", baggage="user=Worf%20son").status == 200
    assert caller.upstream.take()["baggage"] == "user=Worf%20son,seen=Worf%20son%20%C3%BC"
    assert get(caller.app, "/call").status == 200
    assert "baggage" not in caller.upstream.take()


@pytest.mark.parametrize(
    ("settings", "sampled", "in_xray"),
    [
        ({"XRAY_SAMPLING_RULE": ALWAYS}, 1, 1),
        ({"XRAY_SAMPLING_RULE": NEVER}, 0, 0),
        ({"XRAY_SAMPLING_RULE": ALWAYS, "HONEYCOMB_KEEP_EVERYTHING": "true"}, 1, 1),
        ({"XRAY_SAMPLING_RULE": NEVER, "HONEYCOMB_KEEP_EVERYTHING": "true"}, 1, 0),
    ],
)
@pytest.mark.parametrize(
    ("headers", "trace_id", "random"),
    [
        ({}, None, 2),
        ({"traceparent": TRACEPARENT}, TRACE, 0),
        ({"traceparent": f"00-{TRACE}-{PARENT}-ff"}, TRACE, 2),
        ({"x_amzn_trace_id": f"Root={ROOT}"}, TRACE, 0),
    ],
    ids=["no header", "traceparent", "traceparent with every flag", "root"],
)
def test_both_headers_carry_the_current_span_and_its_sampling_decision(
    make_app: AppFactory,
    backends: FakeBackends,
    upstream: tuple[Upstream, str],
    *,
    settings: dict[str, str],
    sampled: int,
    in_xray: int,
    headers: dict[str, str],
    trace_id: str | None,
    random: int,
) -> None:
    caller = with_upstream_route(make_app({**backends.honeycomb, "LOG_CONSOLE": "false", **settings}), upstream)
    recorder = SpanRecorder(caller.app)
    response = get(caller.app, "/call", **headers)
    received = caller.upstream.take()
    assert trace_id in (response.trace_id, None)
    version, sent_trace_id, parent, flags = received["traceparent"].split("-")
    assert (version, sent_trace_id) == ("00", response.trace_id)
    assert flags == f"{sampled | random:02x}"
    assert response.flags == sampled | random
    root = f"1-{response.trace_id[:8]}-{response.trace_id[8:]}"
    assert received["X-Amzn-Trace-Id"] == f"Root={root};Parent={parent};Sampled={in_xray}"
    clients = [span for span in recorder.take() if span.kind is trace.SpanKind.CLIENT]
    assert [f"{span.context.span_id:016x}" for span in clients if span.context] == [parent] * sampled
    assert parent != PARENT


@pytest.mark.parametrize(
    "sinks", [(), ("honeycomb",), ("xray", "cloudwatch")], ids=lambda sinks: "+".join(sinks) or "none"
)
@pytest.mark.parametrize("rule", [ALWAYS, NEVER])
def test_each_call_of_a_request_has_a_parent_id_of_its_own(
    make_app: AppFactory, backends: FakeBackends, upstream: tuple[Upstream, str], sinks: tuple[str, ...], rule: str
) -> None:
    environment = {"LOG_CONSOLE": "false", "XRAY_SAMPLING_RULE": rule}
    for sink in sinks:
        environment |= getattr(backends, sink)
    app, (service, url) = make_app(environment), upstream
    sent: list[dict[str, str]] = []

    @app.get("/calls")
    def calls() -> str:
        for _ in range(3):
            requests.get(url, timeout=60)
            sent.append(service.take())
        return "done"

    response = get(app, "/calls", traceparent=TRACEPARENT)
    parents = [each["traceparent"].split("-")[2] for each in sent]
    assert {each["traceparent"].split("-")[1] for each in sent} == {TRACE}
    assert len({*parents, response.span_id, PARENT}) == 5
    assert [f"Parent={parent};" in each["X-Amzn-Trace-Id"] for parent, each in zip(parents, sent, strict=True)] == [
        True
    ] * 3


@pytest.mark.parametrize(
    ("rule", "everything", "headers"), [(ALWAYS, "false", "31"), (NEVER, "false", "20"), (NEVER, "true", "30")]
)
def test_outside_a_request_the_root_spans_decision_is_propagated(
    make_app: AppFactory,
    backends: FakeBackends,
    upstream: tuple[Upstream, str],
    *,
    rule: str,
    everything: str,
    headers: str,
) -> None:
    make_app(
        {
            **backends.honeycomb,
            "LOG_CONSOLE": "false",
            "XRAY_SAMPLING_RULE": rule,
            "HONEYCOMB_KEEP_EVERYTHING": everything,
        }
    )
    service, url = upstream
    with trace.get_tracer("job").start_as_current_span("nightly") as span:
        requests.get(url, timeout=60)
    received = service.take()
    assert received["traceparent"].split("-")[1] == f"{span.get_span_context().trace_id:032x}"
    assert received["traceparent"].endswith(f"-0{headers[0]}")
    assert received["X-Amzn-Trace-Id"].endswith(f";Sampled={headers[1]}")
    assert "tracestate" not in received


def test_a_manually_attached_remote_span_forwards_its_own_tracestate(
    caller: Caller,
) -> None:
    state = trace.TraceState([("vendor", "1"), ("other", "2")])
    remote = trace.SpanContext(int(TRACE, 16), int(PARENT, 16), True, trace.TraceFlags(1), state)  # noqa: FBT003 - remote
    with trace.use_span(trace.NonRecordingSpan(remote)):
        requests.get(caller.url, timeout=60)
    received = caller.upstream.take()
    assert received["traceparent"].startswith(f"00-{TRACE}-")
    assert received["tracestate"] == "vendor=1,other=2"
