"""The fake of Honeycomb's configuration API validates and stores annotations, boards and triggers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakes.api_client import COUNT, P99, ApiClient, Document, board_of, trigger_of

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_an_annotation_keeps_its_query(api: ApiClient) -> None:
    first, second = api.query(), api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": first})["id"]
    path = f"/1/query_annotations/backend/{annotation}"

    moved = api.call("PUT", path, {"name": "A", "query_id": second})
    renamed = api.call("PUT", path, {"name": "B", "query_id": first})

    assert (moved.status_code, moved.json()) == (400, {"error": "queries in annotations cannot be changed"})
    assert (renamed.status_code, renamed.json()["name"], renamed.json()["id"]) == (200, "B", annotation)
    assert api.call("PUT", path, {"name": "B"}).status_code == 422
    assert api.call("PUT", path, {"name": "B", "query_id": first, "id": "other"}).status_code == 400
    assert api.call("PUT", f"{path}x", {"name": "B", "query_id": first}).status_code == 404


def test_an_annotation_requires_a_query_of_its_dataset(api: ApiClient) -> None:
    for query in ("nowhere", api.query("free")):
        response = api.call("POST", "/1/query_annotations/backend", {"name": "A", "query_id": query})
        assert (response.status_code, response.json()) == (400, {"error": "Query ID included in body is invalid"})


def test_a_panel_requires_a_query_and_an_annotation_of_that_query(api: ApiClient) -> None:
    first, second = api.query(), api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": first})["id"]

    assert api.rejected_fields("/1/boards", board_of(second, annotation)) == ["panels[0].query_panel"]
    assert api.rejected_fields("/1/boards", board_of(first, "nowhere")) == ["panels[0].query_panel"]
    api.post("/1/boards", board_of(first, annotation))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda board: board.pop("name"), "name"),
        (lambda board: board.update(type="visual"), "type"),
        (lambda board: board.update(name="n" * 256), "name"),
        (lambda board: board.update(description="d" * 1025), "description"),
        (lambda board: board.update(layout_generation="tidy"), "layout_generation"),
        (lambda board: board["panels"][0].update(type="image"), "panels[0].type"),
        (lambda board: board["panels"][0].update(position={"width": -1}), "panels[0].position.width"),
        (lambda board: board["panels"][0].pop("query_panel"), "panels[0].query_panel"),
        (
            lambda board: board["panels"][0]["query_panel"].update(query_style="pie"),
            "panels[0].query_panel.query_style",
        ),
        (lambda board: board["panels"].append({"type": "text", "text_panel": {}}), "panels[1].text_panel.content"),
        (lambda board: board.update(tags=[{"key": "k", "value": "v"}] * 11), "tags"),
    ],
)
def test_an_invalid_board_is_rejected_by_field(
    api: ApiClient, change: Callable[[Document], object], field: str
) -> None:
    query = api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "query_id": query})["id"]
    board = board_of(query, annotation)
    change(board)

    assert api.rejected_fields("/1/boards", board) == [field]


def test_an_update_replaces_a_board_except_its_preset_filters(api: ApiClient) -> None:
    filters = [{"column": "name", "alias": "Name"}]
    board = {"name": "Board", "type": "flexible", "description": "d", "preset_filters": filters}
    board_id = api.post("/1/boards", board)["id"]

    updated = api.call("PUT", f"/1/boards/{board_id}", {"name": "New", "type": "flexible"}).json()

    assert (updated["id"], updated["name"], updated["description"]) == (board_id, "New", "")
    assert updated["preset_filters"] == filters
    assert api.call("PUT", "/1/boards/nowhere", board).status_code == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"threshold": {"op": "=", "value": 1}}, "threshold.op"),
        ({"threshold": {"op": ">"}}, "threshold.value"),
        ({"threshold": {"op": ">", "value": 1, "exceeded_limit": 6}}, "threshold.exceeded_limit"),
        ({"frequency": 90}, "frequency"),
        ({"frequency": 86_460}, "frequency"),
        ({"frequency": 120}, "frequency"),
        ({"alert_type": "always"}, "alert_type"),
        ({"name": ""}, "name"),
        ({"name": "n" * 121}, "name"),
        ({"query_id": "nowhere"}, "query_id"),
        ({"query": COUNT}, "query_id"),
    ],
)
def test_an_invalid_trigger_is_rejected_by_field(api: ApiClient, fields: Document, field: str) -> None:
    assert api.rejected_fields("/1/triggers/backend", trigger_of(api.query(), **fields)) == [field]


@pytest.mark.parametrize(
    "query",
    [
        {"calculations": [{"op": "COUNT"}, *P99]},
        {"calculations": [{"op": "HEATMAP", "column": "duration_ms"}]},
        {"limit": 10},
        {"orders": [{"op": "COUNT"}]},
        {"granularity": 60},
    ],
)
def test_a_trigger_query_has_a_single_calculation(api: ApiClient, query: Document) -> None:
    assert len(api.rejected_fields("/1/triggers/backend", trigger_of(api.query(**query)))) == 1


def test_a_trigger_may_contain_its_query(api: ApiClient) -> None:
    trigger = trigger_of("", query={"calculations": P99, "time_range": 600})
    del trigger["query_id"]

    created = api.post("/1/triggers/backend", trigger)

    assert api.get(f"/1/queries/backend/{created['query_id']}")["calculations"] == P99


def test_every_response_has_the_url_of_the_board(api: ApiClient) -> None:
    body = {"name": "Board", "type": "flexible"}
    board, other = api.post("/1/boards", body), api.post("/1/boards", body)
    updated = api.call("PUT", f"/1/boards/{board['id']}", {**body, "name": "New"}).json()

    assert board["links"]["board_url"].endswith(f"/board/{board['id']}")
    assert updated["links"] == board["links"] != other["links"]
    assert api.get("/1/boards") == [updated, other]
