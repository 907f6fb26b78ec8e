"""Keep the board's panels as they are declared, and what people added to it as they left it."""

from __future__ import annotations

from typing import Any, Final

from operations.honeycomb.client import Honeycomb
from operations.honeycomb.declarations import Board, Panel
from operations.honeycomb.ownership_tag import Marker
from operations.honeycomb.remote_state import Found, Thing
from operations.honeycomb.steps import Pair, Pairs, Step, Verb, Write

_KIND: Final = "board"
_MARKER: Final = Marker("board")


def step(board: Board, found: Found, pairs: Pairs) -> Step:
    """Return what becomes of the board; panels whose query has to wait are left out."""
    if not any(panel.query in pairs for panel in board.panels):
        return Step(Verb.WAIT, _KIND, board.name, "for its queries")
    if not found.boards:
        return Step(Verb.CREATE, _KIND, board.name, write=_making(board, found))
    [there] = found.boards
    ours, others = _divided(board, there, found)
    wanted = _wanted(board, pairs)
    differing = [name for name in ("name", "description") if there.get(name) != wanted[name]]
    if [_reduced(each) for each in ours] != wanted["panels"]:
        differing.append("panels")
    if not differing:
        return Step(Verb.LEAVE, _KIND, board.name)
    return Step(Verb.CHANGE, _KIND, board.name, f"its {', '.join(differing)}", _changing(board, there, others))


def _wanted(board: Board, pairs: Pairs) -> dict[str, Any]:
    shown = [_panel(panel, pairs[panel.query]) for panel in board.panels if panel.query in pairs]
    return {
        "name": board.name,
        "description": _MARKER.below(board.description),
        "type": "flexible",
        "layout_generation": "manual",
        "panels": shown,
    }


def _panel(panel: Panel, pair: Pair) -> Thing:
    query = {"query_id": pair.query_id, "query_annotation_id": pair.annotation_id, "query_style": panel.style}
    return {"type": "query", "query_panel": query, "position": dict(panel.position)}


def _divided(board: Board, there: Thing, found: Found) -> tuple[list[Thing], list[Thing]]:
    """Return the panels of the queries that the board is declared to show, whichever version of them, and the others.

    The others are people's: a panel of a query that is declared for a trigger alone was added by somebody, and one of
    a query that is no longer on the board may be in use.
    """
    declared = {panel.query for panel in board.panels}
    known = {each.id for each in found.annotations if each.marker.key in declared}
    ours: list[Thing] = []
    others: list[Thing] = []
    for panel in there.get("panels") or []:
        is_ours = (panel.get("query_panel") or {}).get("query_annotation_id") in known
        (ours if is_ours else others).append(panel)
    return ours, others


def _reduced(panel: Thing) -> Thing:
    """Return of a panel of ours what is declared of it."""
    query = panel["query_panel"]
    return {
        "type": "query",
        "query_panel": {
            "query_id": query.get("query_id"),
            "query_annotation_id": query["query_annotation_id"],
            "query_style": query.get("query_style", "graph"),
        },
        # A size of 0 may be left out of what is listed.
        "position": {
            size: (panel.get("position") or {}).get(size, 0)
            for size in ("x_coordinate", "y_coordinate", "width", "height")
        },
    }


def _making(board: Board, found: Found) -> Write:
    def write(honeycomb: Honeycomb, pairs: Pairs) -> None:
        found.boards.append(honeycomb.make("/1/boards", _wanted(board, pairs)))

    return write


def _changing(board: Board, there: Thing, others: list[Thing]) -> Write:
    def write(honeycomb: Honeycomb, pairs: Pairs) -> None:
        body = _wanted(board, pairs)
        body["panels"] = [*body["panels"], *(_writable(each) for each in others)]
        if there.get("tags"):
            body["tags"] = there["tags"]
        honeycomb.put(f"/1/boards/{there['id']}", body)

    return write


def _writable(panel: Thing) -> Thing:
    """Return `panel` without the dataset of its query, which is read-only."""
    if "query_panel" not in panel:
        return panel
    return {**panel, "query_panel": {name: each for name, each in panel["query_panel"].items() if name != "dataset"}}
