"""A fake of Honeycomb: stores the newest spans that its OTLP/HTTP endpoint receives, and returns and queries them.

Any API key is accepted, unless a test has set others (`local/fakes/outage.py`: `POST /settings`); none is stored.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain
from typing import Final

from flask import Flask, Response, jsonify, request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from local.fakes.honeycomb import queries, query_data
from local.fakes.honeycomb.otlp import JSON, PROTOBUF, UnreadableExportError, decompress, read_spans
from local.fakes.honeycomb.queries import Event, QueryError, events_of
from local.fakes.outage import Outage, RefusedError
from local.fakes.recent_items import RecentItems
from local.fakes.server import MAX_BODY_BYTES

KEY_HEADER: Final = "x-honeycomb-team"
CAPACITY: Final = 50_000
ErrorResponse = tuple[Response, int]


def create_app(capacity: int = CAPACITY) -> Flask:
    """Build the app: POST /v1/traces and the routes of query_data.py as in Honeycomb's API.

    GET /traces, /traces/<trace id> and /spans inspect it. POST /queries/<dataset> runs a query specification at once.
    """
    app = Flask("fake-honeycomb")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it: keep the order of columns
    spans, outage = RecentItems(capacity), Outage()
    outage.install(app)

    def events() -> Iterator[Event]:
        return chain.from_iterable(map(events_of, spans.newest(capacity)))

    app.register_blueprint(query_data.routes(events, lambda: outage.check(request.headers.get(KEY_HEADER), reads=True)))

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> ErrorResponse:
        key = error.status == HTTPStatus.UNAUTHORIZED
        message = "unknown API key - check your credentials" if key else str(error)
        return jsonify(error=message), error.status

    @app.post("/v1/traces")
    def export() -> Response | ErrorResponse:
        if not request.headers.get(KEY_HEADER):
            return jsonify(error=f"missing '{KEY_HEADER}' header"), 401
        outage.check(request.headers[KEY_HEADER])
        if request.mimetype not in (JSON, PROTOBUF):
            return jsonify(error=f"unsupported content type {request.mimetype!r}: use {JSON} or {PROTOBUF}"), 415
        try:
            export_spans = read_spans(_body(), request.mimetype)
        except UnreadableExportError as error:
            return jsonify(error=str(error)), 400
        spans.add((span["trace_id"], span) for span in export_spans)
        return _empty_export_response(request.mimetype)

    @app.get("/traces/<trace_id>")
    def spans_of_trace(trace_id: str) -> Response:
        return jsonify(spans.of_trace(trace_id.lower()))

    @app.get("/spans")
    def newest_spans() -> Response:
        return Response(spans.newest_as_json(request.args.get("limit", 20, int)), content_type=JSON)

    @app.post("/queries/<dataset>")
    def run_query(dataset: str) -> Response | ErrorResponse:
        query = request.get_json(force=True)
        try:
            return jsonify(queries.run(query, dataset, events(), time.time()))
        except QueryError as error:
            return jsonify(error=str(error)), 422

    @app.get("/traces")
    def list_traces() -> Response:
        counts = spans.newest_traces(request.args.get("limit", 20, int))
        return jsonify([{"trace_id": trace_id, "spans": count} for trace_id, count in counts.items()])

    return app


def _body() -> bytes:
    body = request.get_data(cache=False)
    return decompress(body, MAX_BODY_BYTES) if request.content_encoding == "gzip" else body


def _empty_export_response(content_type: str) -> Response:
    if content_type == JSON:
        return Response("{}", content_type=JSON)
    return Response(ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)
