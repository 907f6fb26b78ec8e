"""List what an attacker's page would request of everything that `make up` starts, and read what came of it."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from flask_onetrace.contract import THREADS_LOGGER
from infra.environments import LOCAL
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.http_client import direct_client
from local.workspace.state import State
from tests.acceptance.foreign_page import Target
from tests.sample import names_of

SETTLE_SECONDS = 2.0
FUNCTION = {"FunctionName": "planted", "Runtime": "python3.11", "Handler": "index.handler", "Code": {"ZipFile": ""}}


@dataclass(frozen=True)
class Ports:
    gateway: int
    honeycomb: int
    rollbar: int
    daemon: int
    service: int
    load_balancer: int

    @classmethod
    def of(cls, state: State) -> Ports:
        assert state.gateway_port is not None
        assert state.fake_ports is not None
        assert state.service is not None
        assert state.load_balancer_port is not None
        fakes, front = state.fake_ports, state.load_balancer_port
        assert fakes.daemon is not None
        return cls(state.gateway_port, fakes.honeycomb, fakes.rollbar, fakes.daemon, state.service.port, front)

    def all(self) -> tuple[int, ...]:
        return astuple(self)


def targets_of(ports: Ports, load_balancer: str, host: str = "127.0.0.1") -> list[Target]:
    """Return the requests whose simplest form has an effect, or whose response is worth reading."""
    emulator, honeycomb, rollbar, daemon, service, front = (f"http://{host}:{port}" for port in ports.all())
    return [
        target(f"{emulator}/2015-03-31/functions", FUNCTION),
        target(f"{emulator}/", fields={"Action": "CreateUser", "UserName": "planted", "Version": "2010-05-08"}),
        target(f"{emulator}/?Action=CreateUser&UserName=planted&Version=2010-05-08"),
        target(f"{emulator}/planted-bucket"),
        target(f"{emulator}/TraceSegments", {"TraceSegmentDocuments": [segment()]}),
        target(f"{emulator}/_ministack/health"),
        target(f"{honeycomb}/traces"),
        target(f"{honeycomb}/v1/traces", {"resourceSpans": []}, headers={"X-Honeycomb-Team": "planted"}),
        target(f"{honeycomb}/queries/Backend-Flask", {"calculations": [{"op": "COUNT"}]}),
        target(f"{rollbar}/items"),
        target(f"{rollbar}/api/1/item/", item("planted")),
        target(f"{daemon}/daemon"),
        target(f"{daemon}/GetSamplingRules"),
        *(
            target(f"{server}{path}")
            for server in (service, front, f"http://{load_balancer}")
            for path in ("/", "/api/activities/home", "/api/fault", "/v1/traces")
        ),
    ]


def target(
    url: str, body: object = None, *, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Target:
    return {
        "url": url,
        "body": json.dumps(body if body is not None else {}),
        "fields": fields or {"planted": "1"},
        "headers": {"Content-Type": "application/json", **(headers or {})},
    }


def segment() -> str:
    """Return a segment document of a new trace."""
    now = time.time()
    trace_id = f"1-{int(now):08x}-{secrets.token_hex(12)}"
    times = {"start_time": now, "end_time": now}
    return json.dumps({"name": "planted", "id": secrets.token_hex(8), "trace_id": trace_id, **times})


def item(trace_id: str) -> dict[str, Any]:
    return {"access_token": "planted", "data": {"custom": {"trace_id": trace_id}}}


def plant_from_a_program(ports: Ports) -> None:
    """Send the simplest of these requests as a program does, to show that they have an effect."""
    with direct_client() as client:
        emulator, rollbar = f"http://127.0.0.1:{ports.gateway}", f"http://127.0.0.1:{ports.rollbar}"
        user = {"Action": "CreateUser", "UserName": "control", "Version": "2010-05-08"}
        client.post(emulator, data=user, timeout=60).raise_for_status()
        client.put(f"{emulator}/control-bucket", timeout=60).raise_for_status()
        body = json.dumps({"TraceSegmentDocuments": [segment()]})
        client.post(f"{emulator}/TraceSegments", data=body, timeout=60).raise_for_status()
        client.post(f"{rollbar}/api/1/item/", data=json.dumps(item("control")), timeout=60).raise_for_status()
        service = client.get(f"http://127.0.0.1:{ports.service}/api/activities/home", timeout=60)
        service.raise_for_status()


@dataclass(frozen=True)
class Effects:
    """Everything that a request could have changed."""

    users: tuple[str, ...]
    buckets: tuple[str, ...]
    stacks: int
    segments: frozenset[str]
    log_lines: tuple[str, ...]
    """Without those about scarce threads, which a slow machine has."""
    traces: tuple[str, ...]
    items: int


def settled(state: State) -> Effects:
    """Return the effects so far, once telemetry under way has arrived."""
    effects, deadline = _effects(state), time.monotonic() + 60
    while True:
        time.sleep(SETTLE_SECONDS)
        later = _effects(state)
        if later == effects:
            return effects
        assert time.monotonic() < deadline, "telemetry keeps arriving"
        effects = later


def _effects(state: State) -> Effects:
    ports = Ports.of(state)
    aws = EmulatedAws(ports.gateway)
    now = datetime.now(UTC)
    with direct_client() as client:
        users = _text(client, f"{aws.endpoint}/?Action=ListUsers&Version=2010-05-08")
        stacks = _text(client, f"{aws.endpoint}/?Action=ListStacks&Version=2010-05-15")
        buckets = _text(client, aws.endpoint)
        traces = json.loads(_text(client, f"http://127.0.0.1:{ports.honeycomb}/traces?limit=10000"))
        items = json.loads(_text(client, f"http://127.0.0.1:{ports.rollbar}/items?limit=10000"))
    pages = aws.xray.get_paginator("get_trace_summaries").paginate(
        StartTime=now - timedelta(hours=1), EndTime=now + timedelta(minutes=1)
    )
    lines = aws.logs.get_paginator("filter_log_events").paginate(logGroupName=names_of(LOCAL.name).log_group)
    return Effects(
        users=tuple(re.findall("<UserName>(.*?)</UserName>", users)),
        buckets=tuple(re.findall("<Name>(.*?)</Name>", buckets)),
        stacks=stacks.count("<StackId>"),
        segments=frozenset(each["Id"] for page in pages for each in page["TraceSummaries"]),
        log_lines=tuple(
            each["message"] for page in lines for each in page["events"] if THREADS_LOGGER not in each["message"]
        ),
        traces=tuple(sorted(f"{each['trace_id']} {each['spans']}" for each in traces)),
        items=len(items),
    )


def _text(client: requests.Session, url: str) -> str:
    response = client.get(url, timeout=60)
    response.raise_for_status()
    return response.text
