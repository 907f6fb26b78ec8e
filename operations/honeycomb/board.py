"""Create and change the board: the declared panels first, then those added by hand."""

from __future__ import annotations

from operations.honeycomb.client import Json
from operations.honeycomb.ownership_tag import OwnershipTag
from operations.honeycomb.remote_state import RemoteState
from operations.honeycomb.writer import Writer


def apply_board(application: str, board: Json, remote: RemoteState, writer: Writer) -> None:
    """Apply the declared board, without the panels whose query has to wait, and enter it into `remote`."""
    panels = [panel for panel in board["panels"] if panel["query"] in writer.query_ids]
    if not panels:
        writer.step("wait", "board", board["name"], "for its queries")
        return
    ours, others = _existing_panels(board, remote)
    declared = [_panel(*writer.query_ids[each["query"]], each["style"], each["position"]) for each in panels]
    description = OwnershipTag(application, "board").append_to(board["description"])
    body = {"name": board["name"], "description": description, "panels": declared + others}
    extra: Json = {"type": "flexible", "layout_generation": "manual"}
    if remote.board.get("tags"):
        extra["tags"] = remote.board["tags"]
    existing = {**remote.board, "panels": ours + others} if remote.board else {}
    remote.board = writer.upsert("board", board["name"], "/1/boards", existing=existing, body=body, extra=extra)


def _existing_panels(board: Json, remote: RemoteState) -> tuple[list[Json], list[Json]]:
    """Return the existing panels of the queries that the board declares, in any version, and the panels added by hand.

    A panel of a query that is declared only for a trigger, or no longer declared, counts as added by hand.
    """
    queries = {panel["query"] for panel in board["panels"]}
    annotations = {each.body["id"] for each in remote.annotations if each.tag.key in queries}
    ours: list[Json] = []
    others: list[Json] = []
    for panel in remote.board.get("panels") or []:
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
