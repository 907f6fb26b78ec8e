"""Count, for many trace ids at once, how often each of the four places holds a request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.state import State
from service.contract import LOG_GROUP

XRAY_IDS_A_CALL = 5


@dataclass(frozen=True)
class Census:
    """By trace id: server spans, segments, access lines and error items."""

    honeycomb: Counter[str]
    xray: Counter[str]
    cloudwatch: Counter[str]
    rollbar: Counter[str]


def take(state: State, trace_ids: list[str]) -> Census:
    """Ask each place through its own interface."""
    assert state.gateway_port is not None
    assert state.stand_ins is not None
    aws = EmulatedAws(state.gateway_port)
    with requests.Session() as session:
        session.trust_env = False
        spans = Counter(_server_spans(session, state.stand_ins.honeycomb, trace_ids))
        items = Counter(_items(session, state.stand_ins.rollbar, trace_ids))
    return Census(spans, Counter(_segments(aws, trace_ids)), Counter(_access_lines(aws, set(trace_ids))), items)


def _server_spans(session: requests.Session, port: int, trace_ids: Iterable[str]) -> Iterator[str]:
    for trace_id in trace_ids:
        found = session.get(f"http://127.0.0.1:{port}/traces/{trace_id}", timeout=5).json()
        yield from (trace_id for span in found if span["kind"] == "server")


def _items(session: requests.Session, port: int, trace_ids: Iterable[str]) -> Iterator[str]:
    for trace_id in trace_ids:
        url = f"http://127.0.0.1:{port}/items"
        yield from (trace_id for _ in session.get(url, params={"trace_id": trace_id}, timeout=5).json())


def _segments(aws: EmulatedAws, trace_ids: list[str]) -> Iterator[str]:
    for start in range(0, len(trace_ids), XRAY_IDS_A_CALL):
        few = trace_ids[start : start + XRAY_IDS_A_CALL]
        ids = [f"1-{trace_id[:8]}-{trace_id[8:]}" for trace_id in few]
        for trace in aws.xray.batch_get_traces(TraceIds=ids)["Traces"]:
            yield from (trace["Id"][2:].replace("-", "") for _ in trace["Segments"])


def _access_lines(aws: EmulatedAws, trace_ids: set[str]) -> Iterator[str]:
    for page in aws.logs.get_paginator("filter_log_events").paginate(logGroupName=LOG_GROUP):
        for event in page["events"]:
            line: dict[str, Any] = json.loads(event["message"])
            if line["logger"] == "service.access" and line["trace_id"] in trace_ids:
                yield line["trace_id"]
