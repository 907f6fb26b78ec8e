"""Build what a browser, or somebody who pretends to be one, posts to the relay."""

from __future__ import annotations

import secrets
import time
from typing import Any

import orjson

from bench.attacks import raw_http
from bench.testbed.application import FRONTEND
from flask_onetrace.contract import RELAY_PATH

ORIGIN = "http://service.test"
JSON = "application/json"


def attribute(key: str, value: str | int) -> dict[str, Any]:
    """Return an attribute in OTLP's JSON."""
    return {"key": key, "value": {"stringValue": value} if isinstance(value, str) else {"intValue": str(value)}}


def batch(*attributes: dict[str, Any], spans: int = 1, **changes: object) -> dict[str, Any]:
    """Return an export request whose spans have `attributes`; `changes` replace fields of each span."""
    now = time.time_ns()
    times = {"startTimeUnixNano": str(now - 1_000_000), "endTimeUnixNano": str(now)}
    each = [
        {
            "traceId": secrets.token_hex(16),
            "spanId": secrets.token_hex(8),
            "name": "GET",
            "kind": 3,
            **times,
            "attributes": [attribute("http.request.method", "GET"), *attributes],
            **changes,
        }
        for _ in range(spans)
    ]
    resource = {"attributes": [attribute("service.name", FRONTEND)]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "page"}, "spans": each}]}]}


def post(
    body: bytes | dict[str, Any], *, content_type: str = JSON, origin: str = ORIGIN, client: str | None = None
) -> bytes:
    """Return the bytes of a request to the relay; `client` is the address that a load balancer appends."""
    forwarded = {"X-Forwarded-For": client} if client is not None else {}
    headers = {"Origin": origin, "Content-Type": content_type, **forwarded}
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    return raw_http.request(RELAY_PATH, headers, method="POST", body=data)
