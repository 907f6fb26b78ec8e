"""One trace as the four places have it, with a fixed clock and fixed ids."""

from __future__ import annotations

from typing import Any

from operations.traces import summary
from operations.traces.document import Absence, Json, Place, PlaceContent, Reason, Trace

START = 1_795_985_818
TRACE = f"{START:08x}7735994d61ed9abf595dfc91"
XRAY = f"1-{TRACE[:8]}-{TRACE[8:]}"
ROOT, QUERY = "1570ffb3d89e269a", "2570ffb3d89e269b"
RESOURCE = {"service.name": "Backend-Flask", "service.version": "1.2.3"}


def span(span_id: str, parent: str | None, name: str, *, at: float, ms: float, **more: Any) -> Json:  # noqa: ANN401 - as spans have
    start = START * 1_000_000_000 + round(at * 1_000_000)
    return {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": parent,
        "name": name,
        "kind": "internal",
        "start_ns": start,
        "end_ns": start + round(ms * 1_000_000),
        "attributes": {},
        "status": {"code": "unset", "message": ""},
        "events": [],
        "scope": "flask_onetrace.telemetry",
        "resource": RESOURCE,
    } | more


def line(at: float, message: str, *, span_id: str = ROOT, level: str = "INFO", **fields: Any) -> Json:  # noqa: ANN401 - as lines have
    document = {"level": level, "message": message, "trace_id": TRACE, "span_id": span_id, **fields}
    return {"timestamp": START * 1000 + round(at), "stream": "task/1", "message": message, "fields": document}


SPANS = [
    span(
        ROOT,
        None,
        "GET /orders/<id>",
        at=0,
        ms=40,
        kind="server",
        attributes={
            "http.request.method": "GET",
            "http.route": "/orders/<id>",
            "url.path": "/orders/7",
            "http.response.status_code": 500,
            "user.id": "bob",
            "SampleRate": 10,
        },
        status={"code": "error", "message": "KeyError: 'total'"},
        events=[
            {"name": "exception", "time_ns": START * 10**9 + 30_000_000, "attributes": {"exception.type": "KeyError"}}
        ],
    ),
    span(QUERY, ROOT, "SELECT orders", at=10, ms=5, kind="client", attributes={"db.system.name": "postgresql"}),
]
SEGMENTS = [
    {
        "name": "Backend-Flask",
        "id": ROOT,
        "trace_id": XRAY,
        "start_time": START + 0.0,
        "end_time": START + 0.04,
        "http": {"request": {"method": "GET", "url": "http://h/orders/7"}, "response": {"status": 500}},
        "fault": True,
        "annotations": {"tenant": "blue"},
        "cause": {
            "exceptions": [
                {
                    "type": "KeyError",
                    "message": "'total'",
                    "stack": [{"path": "/app/orders.py", "line": 12, "label": "show"}],
                }
            ]
        },
        "subsegments": [
            {
                "name": "orders@db",
                "id": QUERY,
                "start_time": START + 0.01,
                "end_time": START + 0.015,
                "namespace": "remote",
                "sql": {"sanitized_query": "SELECT total FROM orders WHERE id = ?"},
            }
        ],
    }
]
LINES = [
    line(5, "looking for order 7", logger="shop.orders"),
    line(12, "one row", span_id=QUERY, level="DEBUG", logger="shop.orders"),
    line(
        39,
        "GET /orders/7 500",
        level="ERROR",
        logger="flask_onetrace.access",
        method="GET",
        route="/orders/<id>",
        path="/orders/7",
        status=500,
        user_id="bob",
        duration_ms=39.5,
        sampled=1,
    ),
]
ITEMS = [
    {
        "body": {
            "trace": {
                "exception": {"class": "KeyError", "message": "'total'"},
                "frames": [
                    {
                        "filename": "/v/lib/python3.13/site-packages/flask/app.py",
                        "lineno": 902,
                        "method": "dispatch_request",
                    },
                    {
                        "filename": "/app/orders.py",
                        "lineno": 12,
                        "method": "show",
                        "code": "return order['total']",
                        "locals": {"order": "{}"},
                    },
                ],
            }
        },
        "custom": {"trace_id": TRACE},
        "level": "error",
        "person": {"id": "bob"},
        "timestamp": START,
        "uuid": "b5c81a71-7401-4ac6-9672-1d7faed6462d",
    }
]
WHOLE: dict[Place, list[Json]] = {
    Place.HONEYCOMB: SPANS,
    Place.XRAY: SEGMENTS,
    Place.CLOUDWATCH: LINES,
    Place.ROLLBAR: ITEMS,
}


def trace_of(items: dict[Place, list[Json]]) -> Trace:
    """Return the trace of these items; a place without any has a reason for it."""
    absent = Absence(Reason.NOT_SAMPLED, "The request was not sampled.", "Raise the rate")
    return Trace(
        trace_id=TRACE,
        request=summary.of_trace(TRACE, items),
        places={
            place: PlaceContent(items=items.get(place, []), absence=None if items.get(place) else absent)
            for place in Place
        },
    )
