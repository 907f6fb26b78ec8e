"""Stand in for Honeycomb's configuration API: queries, query annotations, boards, triggers and markers.

Source of paths, shapes and status codes: Honeycomb API reference, version 1. What it is sent is checked as that
describes it; what belongs to a paid plan or another subject (SLOs, recipients) is not here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from flask import Flask, Response, jsonify

from tests.fakes.honeycomb_api.environment import ACCESS, Environment, Thing
from tests.fakes.honeycomb_api.responses import after_answer, before, body_of, refuse, refuse_invalid
from tests.fakes.honeycomb_api.schemas import Fault
from tests.fakes.honeycomb_api.validation import (
    ANNOTATION,
    BOARD,
    MARKER,
    QUERY,
    TRIGGER,
    columns_of,
    query_faults,
    trigger_query_faults,
)

DEFAULT_FREQUENCY: Final = 900
BOARDS: Final = "https://ui.honeycomb.io/cruddur/environments/local/board"
STARTED: Final = "2026-01-01T00:00:00Z"
Answer = tuple[Response, int]


def create_app(environment: Environment | None = None) -> Flask:
    """Build the API of `environment`, which its holder may look into and change; GET /writes shows what it took."""
    holds = environment or Environment()
    app = Flask("honeycomb-configuration-stand-in")
    app.before_request(lambda: before(holds))
    app.after_request(lambda response: after_answer(holds, response))
    _serve_auth(app, holds)
    _serve_queries(app, holds)
    _serve_annotations(app, holds)
    _serve_boards(app, holds)
    _serve_triggers(app, holds)
    _serve_markers(app, holds)
    return app


def _serve_auth(app: Flask, holds: Environment) -> None:
    @app.get("/1/auth")
    def auth() -> Response:
        access = {name: name not in holds.denied for name in ACCESS}
        return jsonify(
            id="standin-key",
            type=holds.key_type,
            api_key_access=access if holds.key_type == "configuration" else {"createDatasets": True},
            environment={"name": "Local", "slug": "local"},
            team={"name": "Cruddur", "slug": "cruddur"},
        )

    @app.get("/writes")
    def writes() -> Response:
        return jsonify(holds.writes)

    @app.get("/1/datasets")
    def datasets() -> Response:
        return jsonify([{"name": each, "slug": each, "created_at": STARTED} for each in holds.datasets])

    @app.get("/1/columns/<dataset>")
    def columns(dataset: str) -> Response:
        _check_dataset(holds, dataset)
        listed = sorted(holds.columns(dataset) or ())
        return jsonify([{"id": f"column-{each}", "key_name": each, "type": "string"} for each in listed])


def _serve_queries(app: Flask, holds: Environment) -> None:
    @app.post("/1/queries/<dataset>")
    def make_query(dataset: str) -> Response:
        _check_dataset(holds, dataset)
        query = body_of(QUERY)
        _check_query(holds, dataset, query)
        return jsonify(_kept(holds, holds.queries, query, dataset))

    @app.get("/1/queries/<dataset>/<query_id>")
    def one_query(dataset: str, query_id: str) -> Response:
        return jsonify(_found(holds, holds.queries, query_id, dataset))


def _serve_annotations(app: Flask, holds: Environment) -> None:
    @app.get("/1/query_annotations/<dataset>")
    def list_annotations(dataset: str) -> Response:
        _check_dataset(holds, dataset)
        return jsonify(holds.of(holds.annotations, dataset))

    @app.post("/1/query_annotations/<dataset>")
    def make_annotation(dataset: str) -> Answer:
        _check_dataset(holds, dataset)
        annotation = body_of(ANNOTATION)
        if annotation["query_id"] not in holds.queries or holds.dataset_of[annotation["query_id"]] != dataset:
            refuse(400, "Query ID included in body is invalid")
        annotation |= {"source": "query", "created_at": STARTED, "updated_at": STARTED}
        return jsonify(_kept(holds, holds.annotations, annotation, dataset)), 201

    @app.put("/1/query_annotations/<dataset>/<annotation_id>")
    def change_annotation(dataset: str, annotation_id: str) -> Response:
        there = _found(holds, holds.annotations, annotation_id, dataset)
        annotation = body_of(ANNOTATION)
        if annotation.get("id", annotation_id) != annotation_id:
            refuse(400, "Query annotation id included in body does not match URL")
        if annotation["query_id"] != there["query_id"]:
            refuse(400, "queries in annotations cannot be changed")
        return jsonify(_replaced(holds, there, annotation, ("source", "created_at", "updated_at")))


def _serve_boards(app: Flask, holds: Environment) -> None:
    @app.get("/1/boards")
    def list_boards() -> Response:
        return jsonify(list(holds.boards.values()))

    @app.post("/1/boards")
    def make_board() -> Answer:
        made = _kept(holds, holds.boards, _board(holds))
        made["links"] = {"board_url": f"{BOARDS}/{made['id']}"}
        return jsonify(made), 201

    @app.put("/1/boards/<board_id>")
    def change_board(board_id: str) -> Response:
        there = _found(holds, holds.boards, board_id)
        board = _board(holds)
        # Without preset filters in the request, those that are there stay.
        return jsonify(_replaced(holds, there, {**_chosen(there, ["preset_filters"]), **board}, ["links"]))


def _serve_triggers(app: Flask, holds: Environment) -> None:
    @app.get("/1/triggers/<dataset>")
    def list_triggers(dataset: str) -> Response:
        _check_dataset(holds, dataset)
        return jsonify(holds.of(holds.triggers, dataset))

    @app.post("/1/triggers/<dataset>")
    def make_trigger(dataset: str) -> Answer:
        _check_dataset(holds, dataset)
        return jsonify(_kept(holds, holds.triggers, _trigger(holds, dataset), dataset)), 201

    @app.put("/1/triggers/<dataset>/<trigger_id>")
    def change_trigger(dataset: str, trigger_id: str) -> Response:
        there = _found(holds, holds.triggers, trigger_id, dataset)
        return jsonify(_replaced(holds, there, _trigger(holds, dataset), ("created_at",)))


def _serve_markers(app: Flask, holds: Environment) -> None:
    @app.get("/1/markers/<dataset>")
    def list_markers(dataset: str) -> Response:
        _check_dataset(holds, dataset)
        return jsonify(holds.of(holds.markers, dataset))

    @app.post("/1/markers/<dataset>")
    def make_marker(dataset: str) -> Answer:
        _check_dataset(holds, dataset)
        dates = {"created_at": STARTED, "updated_at": STARTED}
        return jsonify(_kept(holds, holds.markers, {**body_of(MARKER), **dates}, dataset)), 201


def _board(holds: Environment) -> Thing:
    board = body_of(BOARD)
    # Write-only.
    board.pop("layout_generation", None)
    for at, panel in enumerate(board.setdefault("panels", [])):
        if panel["type"] != "query":
            continue
        shown = panel["query_panel"]
        annotation = holds.annotations.get(shown["query_annotation_id"])
        if shown["query_id"] not in holds.queries or annotation is None:
            refuse_invalid([Fault(f"panels[{at}].query_panel", "invalid", "no such query or annotation")])
        elif annotation["query_id"] != shown["query_id"]:
            refuse_invalid([Fault(f"panels[{at}].query_panel", "invalid", "the annotation is of another query")])
        panel["query_panel"] = {"query_style": "graph", **shown, "dataset": holds.dataset_of[shown["query_id"]]}
    return {"description": "", "tags": [], **board}


def _trigger(holds: Environment, dataset: str) -> Thing:
    trigger = body_of(TRIGGER)
    if ("query" in trigger) == ("query_id" in trigger):
        refuse_invalid([Fault("query_id", "missing", "give a query_id, or else a query")])
    if "query" in trigger:
        _check_query(holds, dataset, trigger["query"])
        trigger["query_id"] = _kept(holds, holds.queries, trigger["query"], dataset)["id"]
    elif holds.dataset_of.get(trigger["query_id"]) != dataset or trigger["query_id"] not in holds.queries:
        refuse_invalid([Fault("query_id", "invalid", "is no query of the dataset")])
    query = holds.queries[trigger["query_id"]]
    refuse_invalid(trigger_query_faults(query, trigger.get("frequency", DEFAULT_FREQUENCY)))
    defaults: Thing = {"description": "", "frequency": DEFAULT_FREQUENCY, "alert_type": "on_change", "disabled": False}
    added = {"query": query, "dataset_slug": dataset, "triggered": False, "created_at": STARTED}
    return {**defaults, "tags": [], "recipients": [], **trigger, **added}


def _check_dataset(holds: Environment, dataset: str) -> None:
    if not holds.has(dataset):
        refuse(404, "Dataset not found")


def _check_query(holds: Environment, dataset: str, query: Thing) -> None:
    refuse_invalid(query_faults(query))
    if (known := holds.columns(dataset)) is not None:
        asked = columns_of(query)
        refuse_invalid(Fault(field, "invalid", f"unknown column {name}") for field, name in asked if name not in known)


def _kept(holds: Environment, things: dict[str, Thing], thing: Thing, dataset: str = "") -> Thing:
    made = {**thing, "id": holds.new_id(dataset)}
    things[made["id"]] = made
    return made


def _found(holds: Environment, things: dict[str, Thing], wanted: str, dataset: str = "") -> Thing:
    if wanted not in things or holds.dataset_of[wanted] != dataset:
        refuse(404, "The requested resource cannot be found.")
    return things[wanted]


def _replaced(holds: Environment, there: Thing, thing: Thing, kept: Iterable[str]) -> Thing:
    new = {**thing, **_chosen(there, kept), "id": there["id"]}
    things: tuple[dict[str, Thing], ...] = (holds.annotations, holds.boards, holds.triggers)
    next(each for each in things if there["id"] in each)[there["id"]] = new
    return new


def _chosen(thing: Thing, names: Iterable[str]) -> Thing:
    return {name: thing[name] for name in names if name in thing}
