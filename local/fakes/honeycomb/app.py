"""Stand in for Honeycomb's OTLP/HTTP endpoint: take trace exports, keep the newest spans, answer by trace id.

The key's value is looked at for presence alone and forgotten.
"""

from __future__ import annotations

import time
from typing import Final

from flask import Flask, Response, jsonify, request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from local.fakes.honeycomb import queries
from local.fakes.honeycomb.otlp import JSON, PROTOBUF, UnreadableExportError, inflate, read_spans
from local.fakes.honeycomb.queries import QueryError, event_of
from local.fakes.recent_items import Memory
from local.fakes.server import LARGEST_BODY

KEY_HEADER: Final = "x-honeycomb-team"
CAPACITY: Final = 50_000
Refusal = tuple[Response, int]


def create_app(capacity: int = CAPACITY) -> Flask:
    """Build the receiver: POST /v1/traces as Honeycomb takes it, GET /traces and /traces/<trace id> to look inside.

    POST /queries/<dataset> runs a query of the configuration API over what is held.
    """
    app = Flask("honeycomb-stand-in")
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's own provider has it: columns stay in their order
    spans = Memory(capacity)

    @app.post("/v1/traces")
    def export() -> Response | Refusal:
        if not request.headers.get(KEY_HEADER):
            return jsonify(error=f"missing '{KEY_HEADER}' header"), 401
        if request.mimetype not in (JSON, PROTOBUF):
            return jsonify(error=f"unsupported content type {request.mimetype!r}: use {JSON} or {PROTOBUF}"), 415
        try:
            received = read_spans(_body(), request.mimetype)
        except UnreadableExportError as error:
            return jsonify(error=str(error)), 400
        spans.remember((span["trace_id"], span) for span in received)
        return _accepted(request.mimetype)

    @app.get("/traces/<trace_id>")
    def trace(trace_id: str) -> Response:
        return jsonify(spans.of_trace(trace_id.lower()))

    @app.post("/queries/<dataset>")
    def ask(dataset: str) -> Response | Refusal:
        query = request.get_json(force=True)
        try:
            return jsonify(queries.run(query, dataset, map(event_of, spans.newest(capacity)), time.time()))
        except QueryError as error:
            return jsonify(error=str(error)), 422

    @app.get("/traces")
    def traces() -> Response:
        counts = spans.newest_traces(request.args.get("limit", 20, int))
        return jsonify([{"trace_id": trace_id, "spans": count} for trace_id, count in counts.items()])

    return app


def _body() -> bytes:
    body = request.get_data(cache=False)
    return inflate(body, LARGEST_BODY) if request.content_encoding == "gzip" else body


def _accepted(content_type: str) -> Response:
    if content_type == JSON:
        return Response("{}", content_type=JSON)
    return Response(ExportTraceServiceResponse().SerializeToString(), content_type=PROTOBUF)
