"""What the W3C's own suite for "Trace Context Level 2" checks of a service, over real connections.

Of a service that receives a request and calls another one (github.com/w3c/trace-context, `test/`, strict level 2), with
each set of sinks: none of them may change what is propagated.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import combinations

import pytest
import requests
from flask import Flask, request

from local.fakes.server import LocalServer
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

Headers = Sequence[tuple[str, str]]

TRACE, PARENT = "12345678901234567890123456789012", "1234567890123456"
VALID = f"00-{TRACE}-{PARENT}-01"
FUTURE = f"cc-{TRACE}-{PARENT}-01"

CONTINUED: dict[str, Headers] = {
    "a traceparent alone": [("traceparent", VALID)],
    "a name in title case": [("TraceParent", VALID)],
    "a name in mixed case": [("TrAcEpArEnT", VALID)],
    "a name in upper case": [("TRACEPARENT", VALID)],
    "a future version": [("traceparent", FUTURE)],
    "a future version with more": [("traceparent", f"{FUTURE}-what-the-future-will-be-like")],
    "white space before": [("traceparent", f" {VALID}")],
    "a tab before": [("traceparent", f"\t{VALID}")],
    "white space after": [("traceparent", f"{VALID} ")],
    "a tab after": [("traceparent", f"{VALID}\t")],
    "white space around": [("traceparent", f"\t {VALID} \t")],
    "an empty tracestate": [("traceparent", VALID), ("tracestate", "")],
}
RESTARTED: dict[str, Headers] = {
    "nothing": [],
    "a tracestate alone": [("tracestate", "foo=1")],
    "two traceparents": [("traceparent", VALID), ("traceparent", VALID.replace(TRACE, "f" * 32))],
    "a name with a hyphen": [("trace-parent", VALID)],
    "a name with a dot": [("trace.parent", VALID)],
    "version 00 with more": [("traceparent", f"{VALID}.")],
    "version 00 with more fields": [("traceparent", f"{VALID}-what-the-future-will-be-like")],
    "a future version with a dot": [("traceparent", f"{FUTURE}.what-the-future-will-be-like")],
    "version ff": [("traceparent", f"ff-{TRACE}-{PARENT}-01")],
    "no hex digit first in the version": [("traceparent", f".0-{TRACE}-{PARENT}-01")],
    "no hex digit second in the version": [("traceparent", f"0.-{TRACE}-{PARENT}-01")],
    "a long version": [("traceparent", f"000-{TRACE}-{PARENT}-01")],
    "a longer version": [("traceparent", f"0000-{TRACE}-{PARENT}-01")],
    "a short version": [("traceparent", f"0-{TRACE}-{PARENT}-01")],
    "a zero trace id": [("traceparent", f"00-{'0' * 32}-{PARENT}-01")],
    "no hex digit first in the trace id": [("traceparent", f"00-.{TRACE[1:]}-{PARENT}-01")],
    "no hex digit last in the trace id": [("traceparent", f"00-{TRACE[:-1]}.-{PARENT}-01")],
    "a long trace id": [("traceparent", f"00-{TRACE}3-{PARENT}-01")],
    "a short trace id": [("traceparent", f"00-{TRACE[:-1]}-{PARENT}-01")],
    "a zero parent id": [("traceparent", f"00-{TRACE}-{'0' * 16}-01")],
    "no hex digit first in the parent id": [("traceparent", f"00-{TRACE}-.{PARENT[1:]}-01")],
    "no hex digit last in the parent id": [("traceparent", f"00-{TRACE}-{PARENT[:-1]}.-01")],
    "a long parent id": [("traceparent", f"00-{TRACE}-{PARENT}7-01")],
    "a short parent id": [("traceparent", f"00-{TRACE}-{PARENT[:-1]}-01")],
    "no hex digit first in the flags": [("traceparent", f"00-{TRACE}-{PARENT}-.0")],
    "no hex digit last in the flags": [("traceparent", f"00-{TRACE}-{PARENT}-0.")],
    "long flags": [("traceparent", f"00-{TRACE}-{PARENT}-001")],
    "short flags": [("traceparent", f"00-{TRACE}-{PARENT}-1")],
}

_KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
_VALUE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")
_TEN = [",".join(f"bar{number:02}={number:02}" for number in range(first, first + 10)) for first in (1, 11, 21)]

TRACESTATES: dict[str, tuple[Sequence[tuple[str, str]], str]] = {
    "two members": ([("tracestate", "foo=1,bar=2")], "foo=1,bar=2"),
    "a name with a hyphen": ([("trace-state", "foo=1")], ""),
    "a name with a dot": ([("trace.state", "foo=1")], ""),
    "a name in title case": ([("TraceState", "foo=1")], "foo=1"),
    "a name in mixed case": ([("TrAcEsTaTe", "foo=1")], "foo=1"),
    "a name in upper case": ([("TRACESTATE", "foo=1")], "foo=1"),
    "empty": ([("tracestate", "")], ""),
    "an empty one after": ([("tracestate", "foo=1"), ("tracestate", "")], "foo=1"),
    "an empty one before": ([("tracestate", ""), ("tracestate", "foo=1")], "foo=1"),
    "several headers": (
        [("tracestate", "foo=1,bar=2"), ("tracestate", "rojo=1,congo=2"), ("tracestate", "baz=3")],
        "foo=1,bar=2,rojo=1,congo=2,baz=3",
    ),
    "a member twice": ([("tracestate", "foo=1,foo=1")], "foo=1"),
    "a key twice": ([("tracestate", "foo=1,foo=2")], "foo=1"),
    "a member in two headers": ([("tracestate", "foo=1"), ("tracestate", "foo=1")], "foo=1"),
    "a key in two headers": ([("tracestate", "foo=1"), ("tracestate", "foo=2")], "foo=1"),
    "every character": ([("tracestate", f"{_KEY}={_VALUE}")], f"{_KEY}={_VALUE}"),
    "every character, of a tenant": ([("tracestate", f"{_KEY}@a-z0-9_-*/={_VALUE}")], f"{_KEY}@a-z0-9_-*/={_VALUE}"),
    "white space around commas": ([("tracestate", "foo=1 \t , \t bar=2, \t baz=3")], "foo=1,bar=2,baz=3"),
    "tabs around commas": ([("tracestate", "foo=1\t \t,\t \tbar=2,\t \tbaz=3")], "foo=1,bar=2,baz=3"),
    "white space around all": ([("tracestate", "\t foo=1 \t")], "foo=1"),
    "a blank in a key": ([("tracestate", "foo =1")], ""),
    "a key in upper case": ([("tracestate", "FOO=1")], ""),
    "a dot in a key": ([("tracestate", "foo.bar=1")], ""),
    "a key that begins with an at sign": ([("tracestate", "@foo=1,bar=2")], ""),
    "32 members": (
        [*(("tracestate", each) for each in _TEN), ("tracestate", "bar31=31,bar32=32")],
        ",".join([*_TEN, "bar31=31,bar32=32"]),
    ),
    "33 members": ([*(("tracestate", each) for each in _TEN), ("tracestate", "bar31=31,bar32=32,bar33=33")], ""),
    "a key of 256": ([("tracestate", "foo=1"), ("tracestate", f"{'z' * 256}=1")], f"foo=1,{'z' * 256}=1"),
    "a key of 257": ([("tracestate", "foo=1"), ("tracestate", f"{'z' * 257}=1")], ""),
    "an equals sign in a value": ([("tracestate", "foo=bar=baz")], ""),
    "an empty value": ([("tracestate", "foo=,bar=3")], ""),
}

SEVERAL_CALLS: dict[str, Headers] = {
    "a traceparent alone": [("traceparent", VALID)],
    "nothing": [],
    "a zero trace id": RESTARTED["a zero trace id"],
}

SINKS = ("honeycomb", "xray", "cloudwatch", "rollbar")
SETS = [each for size in range(5) for each in combinations(SINKS, size)]


@dataclass
class Harness:
    """The service that is tested, which calls `callee` as often as it is asked to."""

    port: int
    received: list[dict[str, str]] = field(default_factory=list)

    def calls(self, headers: Headers, count: int = 1) -> list[dict[str, str]]:
        """Send one request; return the headers of the calls that the service made, by lower-case name."""
        self.received.clear()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.putrequest("GET", f"/calls/{count}")
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders()
            response = connection.getresponse()
            assert (response.status, response.read()) == (200, b"called")
        assert len(self.received) == count
        return list(self.received)


@contextmanager
def harness(app: Flask) -> Iterator[Harness]:
    callee = Flask("callee")
    with closing(LocalServer(callee)) as called, closing(LocalServer(app)) as served:
        tested = Harness(served.port)

        @callee.get("/")
        def receive() -> str:
            tested.received.append({name.lower(): value for name, value in request.headers.items()})
            return ""

        @app.get("/calls/<int:count>")
        def calls(count: int) -> str:
            for _ in range(count):
                requests.get(f"http://127.0.0.1:{called.port}/", timeout=60)
            return "called"

        yield tested


def ids(headers: dict[str, str]) -> tuple[str, str]:
    """Return the trace id and the parent id of a traceparent, which is valid."""
    version, trace_id, parent_id, flags = headers["traceparent"].split("-")
    assert (version, len(trace_id), len(parent_id), len(flags)) == ("00", 32, 16, 2)
    assert trace_id.strip("0")
    assert parent_id.strip("0")
    assert not set(trace_id + parent_id + flags) - set("0123456789abcdef")
    return trace_id, parent_id


@pytest.mark.parametrize("sinks", SETS, ids=lambda sinks: "+".join(sinks) or "none")
def test_the_context_is_propagated_as_the_recommendation_has_it(
    make_app: AppFactory, backends: FakeBackends, sinks: tuple[str, ...]
) -> None:
    variables: dict[str, str] = {"LOG_CONSOLE": "false"}
    for sink in sinks:
        variables |= getattr(backends, sink)
    wrong: dict[str, object] = {}
    with harness(make_app(variables)) as tested:
        for name, headers in CONTINUED.items():
            trace_id, parent_id = ids(*tested.calls(headers))
            if trace_id != TRACE or parent_id == PARENT:
                wrong[name] = trace_id, parent_id
        for name, headers in RESTARTED.items():
            trace_id, _ = ids(*tested.calls(headers))
            if trace_id in repr(headers):
                wrong[name] = trace_id
        for name, (headers, expected) in TRACESTATES.items():
            [call] = tested.calls([("traceparent", VALID), *headers])
            if (call.get("tracestate", ""), ids(call)[0]) != (expected, TRACE):
                wrong[name] = call.get("tracestate"), call["traceparent"]
        for name, headers in SEVERAL_CALLS.items():
            context = [ids(call) for call in tested.calls(headers, count=3)]
            if len({trace_id for trace_id, _ in context}) != 1 or len({parent_id for _, parent_id in context}) != 3:
                wrong[f"three calls, {name}"] = context
    assert wrong == {}
