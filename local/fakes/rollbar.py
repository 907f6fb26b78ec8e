"""A fake of Rollbar: accepts items and deploys, stores the newest and returns items by trace id.

Source of the format: Rollbar's API reference, "Create an Item" (`POST /api/1/item/`), "List all occurrences" (`GET
/api/1/instances/`) and "Report a deploy". Any token is accepted, unless a test has set others (`local/fakes/outage.py`:
`POST /settings`); it is redacted from items before they are stored.
"""

from __future__ import annotations

import uuid
from collections import deque
from http import HTTPStatus
from typing import Any, Final

import orjson
from flask import Flask, Response, jsonify, request

from local.fakes.outage import Outage, RefusedError
from local.fakes.recent_items import RecentItems
from operations.traces.records import plain

TOKEN_HEADER: Final = "X-Rollbar-Access-Token"  # noqa: S105 - a header's name
CAPACITY: Final = 5_000
PAGE: Final = 20
"""Occurrences of a page ("List all occurrences")."""
REDACTED: Final = "[access token]"
ErrorResponse = tuple[Response, int]


def create_app(capacity: int = CAPACITY) -> Flask:
    """Build the app: the routes below /api/1/ as in Rollbar's API, GET /items and /deploys to inspect."""
    app = Flask("fake-rollbar")
    items = RecentItems(capacity)
    deploys: deque[dict[str, Any]] = deque(maxlen=capacity)
    outage = Outage()
    outage.install(app)

    @app.errorhandler(RefusedError)
    def refused(error: RefusedError) -> ErrorResponse:
        return _error("invalid access token" if error.status == HTTPStatus.UNAUTHORIZED else str(error), error.status)

    @app.post("/api/1/item/")
    def create_item() -> Response | ErrorResponse:
        payload = request.get_json(force=True, silent=True)
        if not isinstance(payload, dict) or not isinstance(payload.get("data"), dict):
            return _error("the payload must be an object with an object named data", 422)
        token = request.headers.get(TOKEN_HEADER) or payload.get("access_token")
        if not token:
            return _error("access token required", 401)
        outage.check(str(token))
        data = _redacted(plain(payload["data"]), str(token))
        item_uuid = str(data.setdefault("uuid", uuid.uuid4().hex))
        items.add([(trace_id_of(data), data)])
        return jsonify(err=0, result={"id": None, "uuid": item_uuid})

    @app.post("/api/1/deploy")
    def report_deploy() -> Response | ErrorResponse:
        payload = request.get_json(force=True, silent=True)
        if not request.headers.get(TOKEN_HEADER):
            return _error("access token required", 401)
        outage.check(request.headers[TOKEN_HEADER])
        if not isinstance(payload, dict) or not payload.get("environment") or not payload.get("revision"):
            return _error("environment and revision are required", 422)
        deploys.append(payload)
        return jsonify(err=0, data={"deploy_id": len(deploys)})

    @app.get("/api/1/instances/")
    def list_occurrences() -> Response | ErrorResponse:
        if not request.headers.get(TOKEN_HEADER):
            return _error("access token required", 401)
        outage.check(request.headers[TOKEN_HEADER], reads=True)
        page = max(1, request.args.get("page", 1, int))
        newest = items.newest(page * PAGE)[(page - 1) * PAGE :]
        instances = [{"id": item["uuid"], "timestamp": item.get("timestamp"), "data": item} for item in newest]
        return jsonify(err=0, result={"instances": instances, "page": page})

    @app.get("/deploys")
    def list_deploys() -> Response:
        return jsonify([*deploys])

    @app.get("/items")
    def list_items() -> Response:
        trace_id = request.args.get("trace_id")
        limit = request.args.get("limit", 20, int)
        return jsonify(items.newest(limit) if trace_id is None else items.of_trace(trace_id.lower()))

    return app


def trace_id_of(data: dict[str, Any]) -> str:
    """Return the trace id of an item, from `custom` or the top level; empty when it has none."""
    custom = data.get("custom")
    trace_id = (custom.get("trace_id") if isinstance(custom, dict) else None) or data.get("trace_id")
    return str(trace_id or "").lower()


def _redacted(data: dict[str, Any], token: str) -> dict[str, Any]:
    redacted: dict[str, Any] = orjson.loads(orjson.dumps(data).replace(token.encode(), REDACTED.encode()))
    return redacted


def _error(message: str, status: int) -> ErrorResponse:
    return jsonify(err=1, message=message), status
