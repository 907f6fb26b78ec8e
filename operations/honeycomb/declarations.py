"""Read what Honeycomb should hold from a folder: `queries/*.json`, `triggers/*.json` and `board.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from operations.honeycomb.columns import QueryColumns
from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.fields import Fields, read
from operations.honeycomb.ownership_tag import LONGEST_DESCRIPTION, Marker, digest

STYLES: Final = frozenset({"graph", "table", "combo"})
_FREQUENCY_MINUTES = 60
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked of `dataset`, as Honeycomb's query specification has it, under a name."""

    key: str
    name: str
    description: str
    dataset: str
    specification: Mapping[str, Any]

    @property
    def marker(self) -> Marker:
        """Return what its annotation is known by: a query never changes, so neither does what was asked."""
        return Marker(self.key, digest([self.dataset, self.specification]))

    @property
    def columns(self) -> frozenset[str]:
        """Return the columns that it asks for."""
        return QueryColumns(self.specification).names


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """When the query named `query` calls somebody; `frequency` in seconds."""

    key: str
    name: str
    description: str
    query: str
    threshold: Mapping[str, Any]
    frequency: int
    alert_type: str


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Where the board shows the query named `query`, in columns (of twelve) and rows."""

    query: str
    style: str
    position: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Board:
    """The one board."""

    name: str
    description: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Declarations:
    """Everything that Honeycomb should hold; queries and triggers by their file's name without the ending."""

    queries: Mapping[str, Query]
    triggers: Mapping[str, Trigger]
    board: Board


def load(folder: Path) -> Declarations:
    """Read the declarations. Raises `HoneycombError`, which names file and field."""
    queries = {path.stem: _query(path, folder) for path in sorted((folder / "queries").glob("*.json"))}
    if not queries:
        raise HoneycombError(f"{folder.name}/queries holds no declaration", "Restore its files")
    triggers = {path.stem: _trigger(path, folder, queries) for path in sorted((folder / "triggers").glob("*.json"))}
    return Declarations(queries=queries, triggers=triggers, board=_board(folder / "board.json", folder, queries))


def columns(declared: Declarations) -> set[tuple[str, str]]:
    """Return each dataset and column that is asked for."""
    return {(query.dataset, column) for query in declared.queries.values() for column in query.columns}


def _query(path: Path, folder: Path) -> Query:
    fields = read(path, folder)
    specification = fields.raw("query")
    for fault in QueryColumns(specification).faults:
        fields.refuse(f"query.{fault.field}", fault.text)
    query = Query(
        key=path.stem,
        name=fields.text("name", longest=300),
        description=fields.text("description", longest=LONGEST_DESCRIPTION),
        dataset=fields.text("dataset", longest=255),
        specification=specification,
    )
    fields.done()
    return query


def _trigger(path: Path, folder: Path, queries: Mapping[str, Query]) -> Trigger:
    fields = read(path, folder)
    trigger = Trigger(
        key=path.stem,
        name=fields.text("name", longest=120),
        description=fields.text("description", longest=LONGEST_DESCRIPTION),
        query=fields.text("query", longest=100, among=queries),
        threshold=_threshold(fields.nested("threshold")),
        frequency=fields.whole("frequency", least=60, most=_DAY),
        alert_type=fields.text("alert_type", longest=20, among=("on_change", "on_true")),
    )
    if trigger.frequency % _FREQUENCY_MINUTES:
        fields.refuse("frequency", f"is {trigger.frequency}; give whole minutes, in seconds")
    fields.done()
    return trigger


def _threshold(fields: Fields) -> Mapping[str, Any]:
    threshold = {
        "op": fields.text("op", longest=2, among=(">", ">=", "<", "<=")),
        "value": fields.number("value"),
        "exceeded_limit": fields.whole("exceeded_limit", least=1, most=5),
    }
    fields.done()
    return threshold


def _board(path: Path, folder: Path, queries: Mapping[str, Query]) -> Board:
    fields = read(path, folder)
    board = Board(
        name=fields.text("name", longest=255),
        description=fields.text("description", longest=LONGEST_DESCRIPTION),
        panels=tuple(_panel(each, queries) for each in fields.listed("panels")),
    )
    fields.done()
    return board


def _panel(fields: Fields, queries: Mapping[str, Query]) -> Panel:
    query = fields.text("query", longest=100, among=queries)
    style = fields.text("style", longest=10, among=STYLES)
    position = fields.nested("position")
    sizes = ("x_coordinate", "y_coordinate", "width", "height")
    panel = Panel(query=query, style=style, position={size: position.whole(size, least=0, most=1000) for size in sizes})
    position.done()
    fields.done()
    return panel
