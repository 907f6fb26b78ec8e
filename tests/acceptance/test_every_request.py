"""Send 2,000 requests through the deployed load balancer: each backend has every sampled one once, and no other."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import pytest
import requests

from flask_onetrace.contract import TRACE_ID_HEADER
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.http_client import direct_client
from local.workspace.state import State
from tests.acceptance import census
from tests.acceptance.conftest import Checkout, address_of

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

REQUESTS = 2000
CONCURRENCY = 8
PATHS = (
    ("/api/activities/home", 200),
    ("/api/activities/notifications", 200),
    ("/api/activities/@worf", 200),
    ("/api/activities/search", 422),
    ("/nope", 404),
)
FAULT = ("/api/fault", 500)
FAULT_EVERY = 127
"""Requests, from one fault to the next: all are of one cause, of which Rollbar gets 20 at once."""
RULE = {"RuleName": "Cruddur", "FixedRate": 0.4, "ReservoirSize": 5}
SHAPES = (
    "none",
    "root",
    "root and parent",
    "root, parent, sampled",
    "root, parent, not sampled",
    "self first",
    "traceparent, sampled",
    "traceparent, not sampled",
    "traceparent and root",
    "malformed",
)


@dataclass(frozen=True)
class Outcome:
    """One request and what its response contained."""

    shape: str
    path: str
    sent_trace_id: str | None
    trace_id: str
    sampled: bool
    as_expected: bool


class LoadBalancer:
    """The deployed load balancer, by the address that `up` printed."""

    def __init__(self, output: str) -> None:
        self._url = address_of(output)
        self._thread = local()

    def get(self, path: str, headers: dict[str, str]) -> requests.Response:
        client: requests.Session | None = getattr(self._thread, "client", None)
        if client is None:
            client = self._thread.client = direct_client()
        return client.get(f"{self._url}{path}", headers=headers, timeout=60)


def headers_of(shape: str, trace_id: str, parent: str) -> tuple[dict[str, str], str | None]:
    """Return the headers of one shape and the trace id in them, if any."""
    root = f"Root=1-{trace_id[:8]}-{trace_id[8:]}"
    other = "Root=1-5759e988-bd862e3fe1be46a994272793"
    shapes: dict[str, tuple[dict[str, str], str | None]] = {
        "none": ({}, None),
        "root": ({"X-Amzn-Trace-Id": root}, trace_id),
        "root and parent": ({"X-Amzn-Trace-Id": f"{root};Parent={parent}"}, trace_id),
        "root, parent, sampled": ({"X-Amzn-Trace-Id": f"Sampled=1;Parent={parent};{root}"}, trace_id),
        "root, parent, not sampled": ({"X-Amzn-Trace-Id": f"{root};Parent={parent};Sampled=0"}, trace_id),
        "self first": ({"X-Amzn-Trace-Id": f"Self=1-{trace_id[:8]}-{'0' * 23}1;{root}"}, trace_id),
        "traceparent, sampled": ({"traceparent": f"00-{trace_id}-{parent}-01", "tracestate": "a=1"}, trace_id),
        "traceparent, not sampled": ({"traceparent": f"00-{trace_id}-{parent}-00"}, trace_id),
        "traceparent and root": ({"traceparent": f"00-{trace_id}-{parent}-01", "X-Amzn-Trace-Id": other}, trace_id),
        "malformed": ({"traceparent": f"00-{trace_id.upper()}-{parent}-01", "tracestate": "=" * 300}, None),
    }
    return shapes[shape]


def send(load_balancer: LoadBalancer, number: int) -> Outcome:
    rng = random.Random(number)
    shape = SHAPES[number % len(SHAPES)]
    path, status = FAULT if number % FAULT_EVERY == FAULT_EVERY // 2 else PATHS[rng.randrange(len(PATHS))]
    trace_id = f"{int(time.time()):08x}{rng.getrandbits(96):024x}"
    headers, sent_trace_id = headers_of(shape, trace_id, f"{rng.getrandbits(64):016x}")
    response = load_balancer.get(path, headers)
    return Outcome(
        shape=shape,
        path=path,
        sent_trace_id=sent_trace_id,
        trace_id=response.headers[TRACE_ID_HEADER],
        sampled=is_sampled(response),
        as_expected=response.status_code == status,
    )


def is_sampled(response: requests.Response) -> bool:
    return int(response.headers["traceresponse"][-2:], 16) & 1 == 1


def wait_until_some_are_unsampled(load_balancer: LoadBalancer) -> None:
    """Wait for the service to poll the changed rule from X-Ray, which it does every ten seconds."""
    deadline = time.monotonic() + 90
    while all(send(load_balancer, 0).sampled for _ in range(30)):
        assert time.monotonic() < deadline, "the service did not apply the rule of X-Ray"
        time.sleep(0.5)


def wait_until_settled(state: State, expected: census.Census) -> census.Census:
    """Repeat the census, which takes some seconds, until it is as expected, for at most 90; return the last one."""
    ids = list(expected.cloudwatch)
    deadline = time.monotonic() + 90
    while (counts := census.take(state, ids)) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return counts


def test_every_backend_has_each_sampled_request_exactly_once(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    up = checkout.run("up")
    assert up.returncode == 0, up.stderr
    state = State.load(checkout.state / "state.json")
    assert state.gateway_port is not None
    load_balancer = LoadBalancer(up.stdout)
    EmulatedAws(state.gateway_port).xray.update_sampling_rule(SamplingRuleUpdate=RULE)  # type: ignore[arg-type]  # a plain dict
    wait_until_some_are_unsampled(load_balancer)
    health_checks = [load_balancer.get("/api/health-check", {}) for _ in range(20)]
    assert not any(map(is_sampled, health_checks)), "health checks have their own rule"

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        outcomes = list(pool.map(lambda number: send(load_balancer, number), range(REQUESTS)))
    every = {outcome.trace_id for outcome in outcomes}
    sampled = {outcome.trace_id for outcome in outcomes if outcome.sampled}
    failing = {outcome.trace_id for outcome in outcomes if outcome.path == FAULT[0]}
    assert len(every) == REQUESTS
    assert 10 < len(failing) <= 20
    expected = census.Census(*map(Counter, (sampled, sampled, every, failing)))
    counts = wait_until_settled(state, expected)

    with capsys.disabled():
        print(f"\n{summary(outcomes, counts, sampled, failing)}")  # noqa: T201 - the figures are for the developer
    assert all(outcome.as_expected for outcome in outcomes)
    assert all(outcome.sent_trace_id in (None, outcome.trace_id) for outcome in outcomes)
    assert counts == expected, summary(outcomes, counts, sampled, failing)
    assert 0.3 < len(sampled) / REQUESTS < 0.55


def summary(outcomes: list[Outcome], counts: census.Census, sampled: set[str], failing: set[str]) -> str:
    shapes = Counter(outcome.shape for outcome in outcomes if outcome.sampled)
    return (
        f"{len(outcomes)} requests, {CONCURRENCY} at a time: {len(sampled)} sampled, {len(failing)} failing\n"
        f"Honeycomb {counts.honeycomb.total()} server spans, X-Ray {counts.xray.total()} segments, "
        f"CloudWatch Logs {counts.cloudwatch.total()} access lines, Rollbar {counts.rollbar.total()} items\n"
        f"sampled by shape, of {len(outcomes) // len(SHAPES)} each: {dict(sorted(shapes.items()))}"
    )
