"""The fake's part of Honeycomb's API that reads: Auth, Columns, Queries and Query Data (Honeycomb API reference)."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from local.fakes.honeycomb import queries
from local.fakes.honeycomb.queries import Event, QueryError, dataset_of

MAX_QUERIES: Final = 500
MAX_RESULTS: Final = 10_000
MAX_RANGE: Final = 7 * 24 * 3600
"""Seconds that the result of a query covers at most."""
PERMISSIONS: Final = ("events", "markers", "triggers", "boards", "queries", "columns")
ErrorResponse = tuple[Response, int]
Json = dict[str, Any]


def routes(events: Callable[[], Iterable[Event]], check_key: Callable[[], None]) -> Blueprint:
    """Return the routes over what `events` returns; `check_key` raises for a request with another key."""
    blueprint = Blueprint("query-data", __name__)
    blueprint.before_request(check_key)
    specifications, results = _Recent(), _Recent()

    @blueprint.get("/1/auth")
    def auth() -> Response:
        return jsonify(
            id="fake-key",
            type="configuration",
            api_key_access=dict.fromkeys(PERMISSIONS, True),
            environment={"name": "local", "slug": "local"},
            team={"name": "Local", "slug": "local"},
        )

    @blueprint.get("/1/columns/<dataset>")
    def columns(dataset: str) -> Response:
        wide = dataset == queries.ENVIRONMENT_WIDE
        names = {name for event in events() if wide or dataset_of(event) == dataset for name in event}
        return jsonify([{"id": name, "key_name": name, "hidden": False} for name in sorted(names - {"timestamp"})])

    @blueprint.post("/1/queries/<dataset>")
    def create_query(dataset: str) -> Response | ErrorResponse:
        specification = request.get_json(force=True, silent=True)
        if not isinstance(specification, dict):
            return jsonify(error="the query must be an object"), 400
        try:
            queries.run(specification, dataset, (), time.time())
        except (QueryError, KeyError, TypeError) as error:
            return jsonify(error=f"invalid query: {error}"), 422
        return jsonify(specifications.add(specification))

    @blueprint.post("/1/query_results/<dataset>")
    def create_result(dataset: str) -> ErrorResponse:
        body: Any = request.get_json(force=True, silent=True)
        specification = specifications.get(body.get("query_id")) if isinstance(body, dict) else None
        if specification is None:
            return jsonify(error="the query does not exist"), 404
        if _seconds(specification) > MAX_RANGE:
            return jsonify(error="the time range is longer than 7 days"), 400
        limit = min(int(body.get("limit", 1000)), MAX_RESULTS) if body.get("disable_series") else 1000
        query = {name: value for name, value in specification.items() if name != "id"} | {"limit": limit}
        rows = queries.run(query, dataset, events(), time.time())
        result = results.add({"complete": True, "data": {"results": [{"data": row} for row in rows]}})
        # It is complete at the next request, as a product that runs it in the background has it.
        return jsonify(id=result["id"], complete=False), 201

    @blueprint.get("/1/query_results/<dataset>/<result_id>")
    def get_result(dataset: str, result_id: str) -> Response | ErrorResponse:  # noqa: ARG001 - of the path
        result = results.get(result_id)
        return (jsonify(error="the result does not exist"), 404) if result is None else jsonify(result)

    return blueprint


def _seconds(query: Json) -> float:
    if "start_time" in query and "end_time" in query:
        return float(query["end_time"]) - float(query["start_time"])
    return float(query.get("time_range", 7200))


class _Recent:
    """The newest objects by id."""

    def __init__(self) -> None:
        self._objects: OrderedDict[str, Json] = OrderedDict()
        self._lock = Lock()

    def add(self, value: Json) -> Json:
        """Store an object with a new id, evict the oldest beyond `MAX_QUERIES`, and return it."""
        stored = {**value, "id": uuid.uuid4().hex[:11]}
        with self._lock:
            self._objects[stored["id"]] = stored
            while len(self._objects) > MAX_QUERIES:
                self._objects.popitem(last=False)
        return stored

    def get(self, object_id: Any) -> Json | None:  # noqa: ANN401 - of a request
        """Return the object, None where there is none."""
        return self._objects.get(str(object_id))
