"""The routes of the fake: queries, query annotations, boards, triggers and markers.

Source of paths, schemas and status codes: Honeycomb API reference, version 1. Requests are validated as described
there. SLOs and recipients are not implemented.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask import Flask, Response, jsonify

from tests.fakes.honeycomb_api.environment import PERMISSIONS, Environment, Resource
from tests.fakes.honeycomb_api.responses import check_request, decorate_response, reject, reject_invalid, validated_body
from tests.fakes.honeycomb_api.schemas import FieldError
from tests.fakes.honeycomb_api.validation import (
    ANNOTATION,
    BOARD,
    MARKER,
    QUERY,
    TRIGGER,
    columns_in,
    query_errors,
    trigger_query_errors,
)

DEFAULT_FREQUENCY: Final = 900
BOARDS_URL: Final = "https://ui.honeycomb.io/cruddur/environments/local/board"
CREATED_AT: Final = "2026-01-01T00:00:00Z"
CreatedResponse = tuple[Response, int]


def create_app(environment: Environment) -> Flask:
    """Build the API of `environment`, which tests may inspect and change; GET /writes lists the accepted writes."""
    app = Flask("fake-honeycomb-api")
    app.before_request(lambda: check_request(environment))
    app.after_request(lambda response: decorate_response(environment, response))
    _serve_auth(app, environment)
    _serve_queries(app, environment)
    _serve_annotations(app, environment)
    _serve_boards(app, environment)
    _serve_triggers(app, environment)
    _serve_markers(app, environment)
    return app


def _serve_auth(app: Flask, environment: Environment) -> None:
    @app.get("/1/auth")
    def auth() -> Response:
        permissions = {name: name not in environment.denied for name in PERMISSIONS}
        return jsonify(
            id="fake-key",
            type=environment.key_type,
            api_key_access=permissions if environment.key_type == "configuration" else {"createDatasets": True},
            environment={"name": "Local", "slug": "local"},
            team={"name": "Cruddur", "slug": "cruddur"},
        )

    @app.get("/writes")
    def writes() -> Response:
        return jsonify(environment.writes)

    @app.get("/1/datasets")
    def datasets() -> Response:
        return jsonify([{"name": each, "slug": each, "created_at": CREATED_AT} for each in environment.datasets])

    @app.get("/1/columns/<dataset>")
    def columns(dataset: str) -> Response:
        _check_dataset(environment, dataset)
        names = sorted(environment.columns(dataset) or ())
        return jsonify([{"id": f"column-{each}", "key_name": each, "type": "string"} for each in names])


def _serve_queries(app: Flask, environment: Environment) -> None:
    @app.post("/1/queries/<dataset>")
    def create_query(dataset: str) -> Response:
        _check_dataset(environment, dataset)
        query = validated_body(QUERY)
        _check_query(environment, dataset, query)
        return jsonify(_create(environment, environment.queries, query, dataset))

    @app.get("/1/queries/<dataset>/<query_id>")
    def get_query(dataset: str, query_id: str) -> Response:
        return jsonify(_get(environment, environment.queries, query_id, dataset))


def _serve_annotations(app: Flask, environment: Environment) -> None:
    @app.get("/1/query_annotations/<dataset>")
    def list_annotations(dataset: str) -> Response:
        _check_dataset(environment, dataset)
        return jsonify(environment.in_dataset(environment.annotations, dataset))

    @app.post("/1/query_annotations/<dataset>")
    def create_annotation(dataset: str) -> CreatedResponse:
        _check_dataset(environment, dataset)
        annotation = validated_body(ANNOTATION)
        if (
            annotation["query_id"] not in environment.queries
            or environment.dataset_of[annotation["query_id"]] != dataset
        ):
            reject(400, "Query ID included in body is invalid")
        annotation |= {"source": "query", "created_at": CREATED_AT, "updated_at": CREATED_AT}
        return jsonify(_create(environment, environment.annotations, annotation, dataset)), 201

    @app.put("/1/query_annotations/<dataset>/<annotation_id>")
    def update_annotation(dataset: str, annotation_id: str) -> Response:
        current = _get(environment, environment.annotations, annotation_id, dataset)
        annotation = validated_body(ANNOTATION)
        if annotation.get("id", annotation_id) != annotation_id:
            reject(400, "Query annotation id included in body does not match URL")
        if annotation["query_id"] != current["query_id"]:
            reject(400, "queries in annotations cannot be changed")
        return jsonify(_replace(environment, current, annotation, ("source", "created_at", "updated_at")))


def _serve_boards(app: Flask, environment: Environment) -> None:
    @app.get("/1/boards")
    def list_boards() -> Response:
        return jsonify(list(environment.boards.values()))

    @app.post("/1/boards")
    def create_board() -> CreatedResponse:
        board = _create(environment, environment.boards, _board(environment))
        board["links"] = {"board_url": f"{BOARDS_URL}/{board['id']}"}
        return jsonify(board), 201

    @app.put("/1/boards/<board_id>")
    def update_board(board_id: str) -> Response:
        current = _get(environment, environment.boards, board_id)
        board = _board(environment)
        # Preset filters that are absent from the request stay.
        return jsonify(_replace(environment, current, {**_pick(current, ["preset_filters"]), **board}, ["links"]))


def _serve_triggers(app: Flask, environment: Environment) -> None:
    @app.get("/1/triggers/<dataset>")
    def list_triggers(dataset: str) -> Response:
        _check_dataset(environment, dataset)
        return jsonify(environment.in_dataset(environment.triggers, dataset))

    @app.post("/1/triggers/<dataset>")
    def create_trigger(dataset: str) -> CreatedResponse:
        _check_dataset(environment, dataset)
        return jsonify(_create(environment, environment.triggers, _trigger(environment, dataset), dataset)), 201

    @app.put("/1/triggers/<dataset>/<trigger_id>")
    def update_trigger(dataset: str, trigger_id: str) -> Response:
        current = _get(environment, environment.triggers, trigger_id, dataset)
        return jsonify(_replace(environment, current, _trigger(environment, dataset), ("created_at",)))


def _serve_markers(app: Flask, environment: Environment) -> None:
    @app.get("/1/markers/<dataset>")
    def list_markers(dataset: str) -> Response:
        _check_dataset(environment, dataset)
        return jsonify(environment.in_dataset(environment.markers, dataset))

    @app.post("/1/markers/<dataset>")
    def create_marker(dataset: str) -> CreatedResponse:
        _check_dataset(environment, dataset)
        dates = {"created_at": CREATED_AT, "updated_at": CREATED_AT}
        return jsonify(_create(environment, environment.markers, {**validated_body(MARKER), **dates}, dataset)), 201


def _board(environment: Environment) -> Resource:
    board = validated_body(BOARD)
    # Write-only.
    board.pop("layout_generation", None)
    for index, panel in enumerate(board.setdefault("panels", [])):
        if panel["type"] != "query":
            continue
        query_panel = panel["query_panel"]
        annotation = environment.annotations.get(query_panel["query_annotation_id"])
        if query_panel["query_id"] not in environment.queries or annotation is None:
            reject_invalid([FieldError(f"panels[{index}].query_panel", "invalid", "no such query or annotation")])
        elif annotation["query_id"] != query_panel["query_id"]:
            reject_invalid(
                [FieldError(f"panels[{index}].query_panel", "invalid", "the annotation is of another query")]
            )
        query_panel["dataset"] = environment.dataset_of[query_panel["query_id"]]
        panel["query_panel"] = {"query_style": "graph", **query_panel}
    return {"description": "", "tags": [], **board}


def _trigger(environment: Environment, dataset: str) -> Resource:
    trigger = validated_body(TRIGGER)
    if ("query" in trigger) == ("query_id" in trigger):
        reject_invalid([FieldError("query_id", "missing", "give a query_id, or else a query")])
    if "query" in trigger:
        _check_query(environment, dataset, trigger["query"])
        trigger["query_id"] = _create(environment, environment.queries, trigger["query"], dataset)["id"]
    elif environment.dataset_of.get(trigger["query_id"]) != dataset or trigger["query_id"] not in environment.queries:
        reject_invalid([FieldError("query_id", "invalid", "is no query of the dataset")])
    query = environment.queries[trigger["query_id"]]
    reject_invalid(trigger_query_errors(query, trigger.get("frequency", DEFAULT_FREQUENCY)))
    defaults: Resource = {
        "description": "",
        "frequency": DEFAULT_FREQUENCY,
        "alert_type": "on_change",
        "disabled": False,
    }
    read_only = {"query": query, "dataset_slug": dataset, "triggered": False, "created_at": CREATED_AT}
    return {**defaults, "tags": [], "recipients": [], **trigger, **read_only}


def _check_dataset(environment: Environment, dataset: str) -> None:
    if not environment.has(dataset):
        reject(404, "Dataset not found")


def _check_query(environment: Environment, dataset: str, query: Resource) -> None:
    reject_invalid(query_errors(query))
    if (columns := environment.columns(dataset)) is not None:
        unknown = ((field, name) for field, name in columns_in(query) if name not in columns)
        reject_invalid(FieldError(field, "invalid", f"unknown column {name}") for field, name in unknown)


def _create(environment: Environment, resources: dict[str, Resource], body: Resource, dataset: str = "") -> Resource:
    resource = {**body, "id": environment.new_id(dataset)}
    resources[resource["id"]] = resource
    return resource


def _get(environment: Environment, resources: dict[str, Resource], resource_id: str, dataset: str = "") -> Resource:
    if resource_id not in resources or environment.dataset_of[resource_id] != dataset:
        reject(404, "The requested resource cannot be found.")
    return resources[resource_id]


def _replace(environment: Environment, current: Resource, body: Resource, read_only: Iterable[str]) -> Resource:
    resource = {**body, **_pick(current, read_only), "id": current["id"]}
    collections: tuple[dict[str, Resource], ...] = (environment.annotations, environment.boards, environment.triggers)
    next(each for each in collections if current["id"] in each)[current["id"]] = resource
    return resource


def _pick(resource: Resource, names: Iterable[str]) -> Resource:
    return {name: resource[name] for name in names if name in resource}
