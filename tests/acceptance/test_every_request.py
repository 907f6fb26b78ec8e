"""Two thousand requests through the deployed load balancer: every sampled one is in its places once, no other is."""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import pytest
import requests

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.state import State
from tests.acceptance import census
from tests.acceptance.conftest import Checkout

pytestmark = [pytest.mark.acceptance, pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

REQUESTS = 2000
AT_ONCE = 8
PATHS = (
    ("/api/activities/home", 200),
    ("/api/activities/notifications", 200),
    ("/api/activities/@worf", 200),
    ("/api/activities/search", 422),
    ("/nope", 404),
    ("/api/fault", 500),
)
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
class Answer:
    """What one request was, and what its response said."""

    shape: str
    path: str
    given: str | None
    trace_id: str
    sampled: bool
    as_expected: bool


class LoadBalancer:
    """The deployed load balancer, by the address that `up` printed."""

    def __init__(self, shown: str) -> None:
        found = re.search(r"Up after \d+ s: http://([a-z0-9-]+\.alb\.localhost):(\d+)/", shown)
        assert found, shown
        self._host, self._port = found[1], int(found[2])
        self._kept = local()

    def get(self, path: str, headers: dict[str, str]) -> requests.Response:
        session: requests.Session | None = getattr(self._kept, "session", None)
        if session is None:
            session = self._kept.session = requests.Session()
            session.trust_env = False
        host = {"Host": f"{self._host}:{self._port}"}
        return session.get(f"http://127.0.0.1:{self._port}{path}", headers=headers | host, timeout=20)


def headers_of(shape: str, trace_id: str, parent: str) -> tuple[dict[str, str], str | None]:
    """Return the headers of one shape, and the trace id that they give, if any."""
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


def send(load_balancer: LoadBalancer, number: int) -> Answer:
    draw = random.Random(number)
    shape = SHAPES[number % len(SHAPES)]
    path, status = PATHS[draw.randrange(len(PATHS))]
    trace_id = f"{int(time.time()):08x}{draw.getrandbits(96):024x}"
    headers, given = headers_of(shape, trace_id, f"{draw.getrandbits(64):016x}")
    response = load_balancer.get(path, headers)
    return Answer(
        shape=shape,
        path=path,
        given=given,
        trace_id=response.headers["X-Trace-Id"],
        sampled=is_sampled(response),
        as_expected=response.status_code == status,
    )


def is_sampled(response: requests.Response) -> bool:
    return int(response.headers["traceresponse"][-2:], 16) & 1 == 1


def wait_until_some_are_not_sampled(load_balancer: LoadBalancer) -> None:
    """The service learns of a changed rule when it next asks X-Ray for its targets, each ten seconds."""
    deadline = time.monotonic() + 45
    while all(send(load_balancer, 0).sampled for _ in range(30)):
        assert time.monotonic() < deadline, "the service does not follow the rule in X-Ray"
        time.sleep(0.5)


def wait_until_settled(state: State, expected: census.Census) -> census.Census:
    """Look again until all has arrived, for a few seconds at most."""
    ids = list(expected.cloudwatch)
    deadline = time.monotonic() + 20
    while (found := census.take(state, ids)) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


def test_every_sampled_request_is_in_all_its_places_once(
    checkout: Checkout, capsys: pytest.CaptureFixture[str]
) -> None:
    up = checkout.run("up")
    assert up.returncode == 0, up.stderr
    state = State.load(checkout.state / "state.json")
    assert state.gateway_port is not None
    load_balancer = LoadBalancer(up.stdout)
    EmulatedAws(state.gateway_port).xray.update_sampling_rule(SamplingRuleUpdate=RULE)  # type: ignore[arg-type]  # a plain dict
    wait_until_some_are_not_sampled(load_balancer)
    health_checks = [load_balancer.get("/api/health-check", {}) for _ in range(20)]
    assert not any(map(is_sampled, health_checks)), "they have a rule of their own"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda number: send(load_balancer, number), range(REQUESTS)))
    every = {answer.trace_id for answer in answers}
    sampled = {answer.trace_id for answer in answers if answer.sampled}
    failing = {answer.trace_id for answer in answers if answer.path == "/api/fault"}
    assert len(every) == REQUESTS
    expected = census.Census(*map(Counter, (sampled, sampled, every, failing)))
    found = wait_until_settled(state, expected)

    with capsys.disabled():
        print(f"\n{summary(answers, found, sampled, failing)}")  # noqa: T201 - the figures are what a person runs this for
    assert all(answer.as_expected for answer in answers)
    assert all(answer.given in (None, answer.trace_id) for answer in answers)
    assert found == expected
    assert 0.3 < len(sampled) / REQUESTS < 0.55


def summary(answers: list[Answer], found: census.Census, sampled: set[str], failing: set[str]) -> str:
    shapes = Counter(answer.shape for answer in answers if answer.sampled)
    return (
        f"{len(answers)} requests, {AT_ONCE} at a time: {len(sampled)} sampled, {len(failing)} failing\n"
        f"Honeycomb {found.honeycomb.total()} server spans, X-Ray {found.xray.total()} segments, "
        f"CloudWatch Logs {found.cloudwatch.total()} access lines, Rollbar {found.rollbar.total()} items\n"
        f"sampled by shape, of {len(answers) // len(SHAPES)} each: {dict(sorted(shapes.items()))}"
    )
