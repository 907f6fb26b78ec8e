"""Plan the board: the declared panels first, then those that people added."""

from __future__ import annotations

from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag
from operations.honeycomb.steps import Run, Step


def board_step(board: Json, run: Run) -> Step:
    """Return the step for the declared board, without the panels whose query has to wait."""
    panels = [panel for panel in board["panels"] if panel["query"] in run.query_ids]
    if not panels:
        return Step("wait", "board", board["name"], "for its queries")
    ours, others = _existing_panels(board, run)

    def body() -> Json:
        description = OwnershipTag("board").append_to(board["description"])
        declared = [_panel(*run.query_ids[each["query"]], each["style"], each["position"]) for each in panels]
        return {"name": board["name"], "description": description, "panels": declared + others}

    existing = run.remote.board
    if existing:
        # In the order and with the fields of `body`, to compare equal where nothing changes.
        existing["panels"] = ours + others
    extra: Json = {"type": "flexible", "layout_generation": "manual"}
    if existing.get("tags"):
        extra["tags"] = existing["tags"]
    return run.step("board", board["name"], "/1/boards", existing=existing, body=body, extra=extra)


def _existing_panels(board: Json, run: Run) -> tuple[list[Json], list[Json]]:
    """Return the existing panels of the queries that the board declares, in whichever version, and people's panels.

    A panel of a query that is declared for a trigger alone, or not any more, counts as people's.
    """
    queries = {panel["query"] for panel in board["panels"]}
    annotations = {each.body["id"] for each in run.remote.annotations if each.tag.key in queries}
    ours: list[Json] = []
    others: list[Json] = []
    for panel in run.remote.board.get("panels") or []:
        query = panel.get("query_panel")
        if query and query.get("query_annotation_id") in annotations:
            # Honeycomb may leave out defaults.
            style, position = query.get("query_style", "graph"), panel.get("position") or {}
            ours.append(_panel(query.get("query_id"), query["query_annotation_id"], style, position))
        elif query:
            # The dataset is read-only.
            others.append({**panel, "query_panel": {name: each for name, each in query.items() if name != "dataset"}})
        else:
            others.append(panel)
    return ours, others


def _panel(query_id: str, annotation_id: str, style: str, position: Json) -> Json:
    sizes = ("x_coordinate", "y_coordinate", "width", "height")
    return {
        "type": "query",
        "query_panel": {"query_id": query_id, "query_annotation_id": annotation_id, "query_style": style},
        "position": {size: position.get(size, 0) for size in sizes},
    }
