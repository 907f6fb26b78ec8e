"""Describe the requests that are sent: one of each kind, each with an id of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus

from flask_onetrace.contract import RUNTIME_FAULT_PATH, RUNTIME_SLOW_PATH
from infra.application import Request
from operations.traces.document import Place

TRACE_PLACES = (Place.HONEYCOMB, Place.XRAY, Place.CLOUDWATCH)
"""The places of a request that succeeds."""


class Kind(StrEnum):
    """What a request is to show."""

    OK = "ok"
    SLOW = "slow"
    FAILING = "failing"
    BROWSER = "browser"
    """As a page's: its own span is sent to the relay, and the request is a child of it."""
    CALLER = "caller"
    """With the `traceparent` of another service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A request to send. `span_id` is that of the caller's span, which its `traceparent` has; empty without one."""

    kind: Kind
    path: str
    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    trace_id: str = ""
    span_id: str = ""

    @property
    def places(self) -> tuple[Place, ...]:
        """Return the places that have to receive it."""
        return (*TRACE_PLACES, Place.ROLLBAR) if self.kind is Kind.FAILING else TRACE_PLACES

    @property
    def all_headers(self) -> dict[str, str]:
        """Return the headers with the `traceparent` ("traceparent Header", W3C Trace Context)."""
        traceparent = {"traceparent": f"00-{self.trace_id}-{self.span_id}-01"} if self.trace_id else {}
        return {**self.headers, **traceparent}


def probe_of(kind: Kind, smoke_test: Request, headers: Mapping[str, str]) -> Probe:
    """Return the request of a kind with fresh ids, by the application's smoke test with these `headers`."""
    match kind:
        case Kind.SLOW:
            return Probe(kind=kind, path=RUNTIME_SLOW_PATH, status=HTTPStatus.OK)
        case Kind.FAILING:
            return Probe(kind=kind, path=RUNTIME_FAULT_PATH, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    ids = {} if kind is Kind.OK else {"trace_id": new_trace_id(), "span_id": secrets.token_hex(8)}
    return Probe(kind=kind, path=smoke_test.path, status=smoke_test.status, headers=headers, **ids)


def new_trace_id() -> str:
    """Return an id that begins with the seconds since the epoch ("Tracing headers", AWS X-Ray Developer Guide)."""
    return f"{int(time.time()):08x}{secrets.token_hex(12)}"
