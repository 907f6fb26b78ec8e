"""Export requests as browsers send them."""

from __future__ import annotations

import json
import time
from typing import Any

from flask.testing import FlaskClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from werkzeug.test import TestResponse

ORIGIN = "http://localhost"
TRACE_ID, SPAN_ID = "637f6f1e" + "ab" * 12, "cd" * 8
JSON, PROTOBUF = "application/json", "application/x-protobuf"
SECOND = 10**9


def attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}


def span(**changes: object) -> dict[str, Any]:
    now = time.time_ns()
    fields: dict[str, Any] = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "click home", "kind": 1}
    times = {"startTimeUnixNano": str(now - SECOND), "endTimeUnixNano": str(now)}
    return {**fields, **times, "attributes": [attribute("session.id", "tab-1")], **changes}


def document(*spans: dict[str, Any], service: str = "Cruddur-Frontend") -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", service)]}
    return {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {"name": "page"}, "spans": [*spans]}]}]}


def protobuf(name: str = "click home") -> bytes:
    message = ExportTraceServiceRequest()
    resource_spans = message.resource_spans.add()
    service = resource_spans.resource.attributes.add(key="service.name")
    service.value.string_value = "Cruddur-Frontend"
    now = time.time_ns()
    resource_spans.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE_ID),
        span_id=bytes.fromhex(SPAN_ID),
        name=name,
        start_time_unix_nano=now - SECOND,
        end_time_unix_nano=now,
    )
    body: bytes = message.SerializeToString()
    return body


def post(client: FlaskClient, body: bytes | dict[str, Any], media_type: str = JSON, **headers: str) -> TestResponse:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    return client.post(
        "/v1/traces", data=data, content_type=media_type, headers={"Origin": ORIGIN, **headers}, buffered=True
    )


def relay_counts(client: FlaskClient) -> dict[str, Any]:
    counts: dict[str, Any] = client.get("/api/health-check?detail", buffered=True).get_json()["relay"]
    return counts
