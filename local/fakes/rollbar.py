"""Stand in for Rollbar: take items and deploys, keep the newest, answer items by trace id.

Source of the format: Rollbar's API reference, "Create an Item" (`POST /api/1/item/`) and "Report a deploy".
The token's value is looked at for presence alone; wherever an item repeats it, it is blotted out before it is kept.
"""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any, Final

import orjson
from flask import Flask, Response, jsonify, request

from local.fakes.recent_items import Memory

TOKEN_HEADER: Final = "X-Rollbar-Access-Token"  # noqa: S105 - a header's name
CAPACITY: Final = 5_000
BLOT: Final = "[access token]"
Refusal = tuple[Response, int]


def create_app(capacity: int = CAPACITY) -> Flask:
    """Build the receiver: POST /api/1/item/ as Rollbar takes it, GET /items to look inside."""
    app = Flask("rollbar-stand-in")
    items = Memory(capacity)
    deploys: deque[dict[str, Any]] = deque(maxlen=capacity)

    @app.post("/api/1/item/")
    def item() -> Response | Refusal:
        payload = request.get_json(force=True, silent=True)
        if not isinstance(payload, dict) or not isinstance(payload.get("data"), dict):
            return _refused("the payload must be an object with an object named data", 422)
        token = request.headers.get(TOKEN_HEADER) or payload.get("access_token")
        if not token:
            return _refused("access token required", 401)
        data = _without(str(token), payload["data"])
        item_uuid = str(data.setdefault("uuid", uuid.uuid4().hex))
        items.remember([(trace_id_of(data), data)])
        return jsonify(err=0, result={"id": None, "uuid": item_uuid})

    @app.post("/api/1/deploy")
    def deploy() -> Response | Refusal:
        told = request.get_json(force=True, silent=True)
        if not request.headers.get(TOKEN_HEADER):
            return _refused("access token required", 401)
        if not isinstance(told, dict) or not told.get("environment") or not told.get("revision"):
            return _refused("environment and revision are required", 422)
        deploys.append(told)
        return jsonify(err=0, data={"deploy_id": len(deploys)})

    @app.get("/deploys")
    def deployed() -> Response:
        return jsonify([*deploys])

    @app.get("/items")
    def kept() -> Response:
        trace_id = request.args.get("trace_id")
        limit = request.args.get("limit", 20, int)
        return jsonify(items.newest(limit) if trace_id is None else items.of_trace(trace_id.lower()))

    return app


def trace_id_of(data: dict[str, Any]) -> str:
    """Return the trace id that an item carries, in `custom` or at its top; empty when it carries none."""
    custom = data.get("custom")
    found = (custom.get("trace_id") if isinstance(custom, dict) else None) or data.get("trace_id")
    return str(found or "").lower()


def _without(token: str, data: dict[str, Any]) -> dict[str, Any]:
    scrubbed: dict[str, Any] = orjson.loads(orjson.dumps(data).replace(token.encode(), BLOT.encode()))
    return scrubbed


def _refused(message: str, status: int) -> Refusal:
    return jsonify(err=1, message=message), status
