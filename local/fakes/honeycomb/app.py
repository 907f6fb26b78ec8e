"""A fake of Honeycomb's OTLP/HTTP endpoint: stores the newest spans and returns them by trace id.

Any API key is accepted; none is stored.
"""

from __future__ import annotations

import time
from typing import Final

from flask import Flask, Response, jsonify, request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from local.fakes.honeycomb import queries
from local.fakes.honeycomb.otlp import JSON, PROTOBUF, UnreadableExportError, decompress, read_spans
from local.fakes.honeycomb.queries import QueryError, event_of
from local.fakes.recent_items import RecentItems
from local.fakes.server import MAX_BODY_BYTES

KEY_HEADER: Final = "x-honeycomb-team"
CAPACITY: Final = 50_000
ErrorResponse = tuple[Response, int]


def create_app(capacity: int = CAPACITY) -> Flask:
    """Build the app: POST /v1/traces as in Honeycomb's API, GET /traces and /traces/<trace id> to inspect.

    POST /queries/<dataset> runs a query specification over the stored spans.
    """
    app = Flask("fake-honeycomb")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it: keep the order of columns
    spans = RecentItems(capacity)

    @app.post("/v1/traces")
    def export() -> Response | ErrorResponse:
        if not request.headers.get(KEY_HEADER):
            return jsonify(error=f"missing '{KEY_HEADER}' header"), 401
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

    @app.post("/queries/<dataset>")
    def run_query(dataset: str) -> Response | ErrorResponse:
        query = request.get_json(force=True)
        try:
            return jsonify(queries.run(query, dataset, map(event_of, spans.newest(capacity)), time.time()))
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
