"""One request as the service sends it to each place now."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from tests.operations.traces.conftest import Places


@dataclass(frozen=True)
class ProbeResult:
    """A request of a path, `age` seconds ago, which ended with `status`."""

    age: float = 5.0
    path: str = "/orders/7"
    status: int = 200
    sampled: bool = True
    id_end: str = field(default_factory=lambda: secrets.token_hex(12))
    span_id: str = field(default_factory=lambda: secrets.token_hex(8))
    now: float = field(default_factory=time.time)

    @property
    def started(self) -> float:
        return self.now - self.age

    @property
    def trace_id(self) -> str:
        return f"{int(self.started):08x}{self.id_end}"

    @property
    def xray_id(self) -> str:
        return f"1-{self.trace_id[:8]}-{self.trace_id[8:]}"

    def line(self) -> tuple[float, str]:
        fields = {
            "level": "INFO",
            "logger": "flask_onetrace.access",
            "version": "1.2.3",
            "message": f"GET {self.path} {self.status}",
            "method": "GET",
            "route": self.path,
            "path": self.path,
            "status": self.status,
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "user_id": "bob",
            "duration_ms": 20.0,
            "sampled": int(self.sampled),
        }
        return self.started + 0.02, json.dumps(fields)

    def span(self) -> dict[str, Any]:
        attributes = {
            "http.request.method": "GET",
            "http.route": self.path,
            "url.path": self.path,
            "http.response.status_code": self.status,
            "user.id": "bob",
        }
        start = int(self.started * 1e9)
        event = {"name": "exception", "time_ns": start + 1_000_000, "attributes": {"exception.type": "KeyError"}}
        failed = self.status >= 500
        return {
            "trace_id": self.trace_id,
            "span_id": self.span_id,
            "parent_span_id": None,
            "name": f"GET {self.path}",
            "kind": "server",
            "start_ns": start,
            "end_ns": start + 20_000_000,
            "attributes": attributes,
            "status": {"code": "error", "message": "KeyError"} if failed else {"code": "unset", "message": ""},
            "events": [event] if failed else [],
            "scope": "flask_onetrace.telemetry",
            "resource": {"service.name": "Backend-Flask", "service.version": "1.2.3"},
        }

    def segment(self, service: str) -> dict[str, Any]:
        return {
            "name": service,
            "id": self.span_id,
            "trace_id": self.xray_id,
            "start_time": self.started,
            "end_time": self.started + 0.02,
            "http": {"request": {"method": "GET", "url": f"http://h{self.path}"}, "response": {"status": self.status}},
            "annotations": {"tenant": "blue"},
        }

    def item(self) -> dict[str, Any]:
        return {
            "body": {"trace": {"exception": {"class": "KeyError", "message": "'total'"}, "frames": []}},
            "custom": {"trace_id": self.trace_id},
            "timestamp": int(self.started),
            "environment": "local",
        }

    def to(self, places: Places, *names: str) -> ProbeResult:
        """Send it to these places."""
        if "honeycomb" in names:
            places.send_spans(self.span())
        if "xray" in names:
            documents = [json.dumps(self.segment(places.deployment.names.xray_service))]
            places.deployment.aws.xray.put_trace_segments(TraceSegmentDocuments=documents)
        if "cloudwatch" in names:
            places.send_lines(self.line())
        if "rollbar" in names:
            places.send_items(self.item())
        return self


ALL = ("honeycomb", "xray", "cloudwatch", "rollbar")
