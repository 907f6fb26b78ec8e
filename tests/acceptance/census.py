"""Count, for many trace ids at once, how often each telemetry backend has a request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

from flask_onetrace.contract import ACCESS_LOGGER
from infra.environments import LOCAL
from local.backing_services.emulated_aws import EmulatedAws
from local.smoke_test.backends import xray_id
from local.workspace.http_client import direct_client
from local.workspace.state import State
from tests.sample import names_of

XRAY_BATCH_SIZE = 5


@dataclass(frozen=True)
class Census:
    """By trace id: server spans, segments, access lines and error items."""

    honeycomb: Counter[str]
    xray: Counter[str]
    cloudwatch: Counter[str]
    rollbar: Counter[str]


def take(state: State, trace_ids: list[str]) -> Census:
    """Query each backend through its own API."""
    assert state.gateway_port is not None
    assert state.fake_ports is not None
    aws = EmulatedAws(state.gateway_port)
    with direct_client() as client:
        spans = Counter(_server_spans(client, state.fake_ports.honeycomb, trace_ids))
        items = Counter(_items(client, state.fake_ports.rollbar, trace_ids))
    return Census(spans, Counter(_segments(aws, trace_ids)), Counter(_access_lines(aws, set(trace_ids))), items)


def _server_spans(client: requests.Session, port: int, trace_ids: Iterable[str]) -> Iterator[str]:
    for trace_id in trace_ids:
        spans = client.get(f"http://127.0.0.1:{port}/traces/{trace_id}", timeout=60).json()
        yield from (trace_id for span in spans if span["kind"] == "server")


def _items(client: requests.Session, port: int, trace_ids: Iterable[str]) -> Iterator[str]:
    for trace_id in trace_ids:
        url = f"http://127.0.0.1:{port}/items"
        yield from (trace_id for _ in client.get(url, params={"trace_id": trace_id}, timeout=60).json())


def _segments(aws: EmulatedAws, trace_ids: list[str]) -> Iterator[str]:
    for start in range(0, len(trace_ids), XRAY_BATCH_SIZE):
        ids = [xray_id(trace_id) for trace_id in trace_ids[start : start + XRAY_BATCH_SIZE]]
        for trace in aws.xray.batch_get_traces(TraceIds=ids)["Traces"]:
            yield from (trace["Id"][2:].replace("-", "") for _ in trace["Segments"])


def _access_lines(aws: EmulatedAws, trace_ids: set[str]) -> Iterator[str]:
    for page in aws.logs.get_paginator("filter_log_events").paginate(logGroupName=names_of(LOCAL.name).log_group):
        for event in page["events"]:
            line: dict[str, Any] = json.loads(event["message"])
            if line["logger"] == ACCESS_LOGGER and line["trace_id"] in trace_ids:
                yield line["trace_id"]
