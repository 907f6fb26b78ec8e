"""Serve the traces to the page as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

import orjson
from flask import Blueprint, Response, request

from local.console.source import Source
from operations.traces.document import Json
from operations.traces.export import exported
from operations.traces.records import plain

JSON: Final = "application/json"
LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
MAX_NAME: Final = 100
"""Characters of a file's name."""


def blueprint(source: Source) -> Blueprint:
    """Return the routes below /api/."""
    api = Blueprint("traces", __name__)

    @api.get("/deployment")
    def deployment() -> Response:
        return _json(dict(source.describe()))

    @api.get("/traces")
    def list_traces() -> Response:
        terms = request.args.get("filter", "")
        limit = max(1, min(request.args.get("limit", LIMIT, int), MAX_LIMIT))
        listing = source.requests(terms, limit, request.args.get("before"))
        return _json(
            {
                "requests": [each.as_json() for each in listing.requests],
                "more": listing.more,
                "total": listing.total,
                "left_out": listing.left_out,
                "unknown": [asdict(each) for each in listing.unknown],
                "imported": [each.as_json() for each in listing.imported],
                "errors": [{"error": each.problem, "remedy": each.remedy} for each in listing.errors],
            }
        )

    @api.get("/attributes")
    def attributes() -> Response:
        return _json({"attributes": [asdict(each) for each in source.attributes()]})

    @api.get("/traces/<trace_id>")
    def one_trace(trace_id: str) -> Response:
        return _json(source.trace(trace_id).as_json())

    @api.get("/traces/<trace_id>/<form>.json")
    def export(trace_id: str, form: str) -> Response:
        trace = source.trace(trace_id)
        response = _json(exported(trace, form))
        response.headers["Content-Disposition"] = f'attachment; filename="trace-{trace.trace_id}-{form}.json"'
        return response

    @api.post("/import")
    def import_traces() -> Response:
        name = request.args.get("name", "The file")[:MAX_NAME]
        return _json({"trace_ids": list(source.add(request.get_data(cache=False), name))})

    @api.delete("/import")
    def remove_imported() -> Response:
        source.remove_imported()
        return _json({})

    return api


def _json(document: Json) -> Response:
    try:
        body = orjson.dumps(document)
    except TypeError:  # a value that no reader has made plain
        body = orjson.dumps(plain(document))
    response = Response(body, content_type=JSON)
    response.add_etag()
    response.make_conditional(request)
    return response
