"""See what Honeycomb holds already, and which of it was made here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from operations.honeycomb.client import DEFAULT_URL, Honeycomb
from operations.honeycomb.declarations import Declarations, Query
from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.key import WANTED
from operations.honeycomb.ownership_tag import Marker, marker_of

NEEDED: Final = {
    "columns": "Manage Queries and Columns",
    "boards": "Manage Public Boards",
    "triggers": "Manage Triggers",
}
"""What the key must be allowed, by its name in the API's `api_key_access`."""

ENVIRONMENT_WIDE: Final = "__all__"
Thing = dict[str, Any]


@dataclass(frozen=True)
class Annotation:
    """A named query that was made here."""

    id: str
    dataset: str
    marker: Marker
    query_id: str
    name: str
    description: str


@dataclass
class Found:
    """What is there: `columns` by dataset, nothing where the dataset is not there itself."""

    columns: Mapping[str, frozenset[str] | None]
    annotations: list[Annotation] = field(default_factory=list)
    boards: list[Thing] = field(default_factory=list)
    triggers: dict[tuple[str, str], Thing] = field(default_factory=dict)
    others: dict[str, int] = field(default_factory=lambda: {"named queries": 0, "boards": 0, "triggers": 0})

    @property
    def board_address(self) -> str:
        """Return where people see the board; empty where it is not there yet, or Honeycomb does not say."""
        for board in self.boards:
            if isinstance(links := board.get("links"), dict):
                return str(links.get("board_url") or "")
        return ""

    def lacks(self, query: Query) -> str:
        """Return what keeps `query` from being taken; empty where nothing does."""
        columns = self.columns[query.dataset]
        if columns is None:
            return f"nothing was ever sent to the dataset {query.dataset}"
        missing = ", ".join(sorted(query.columns - columns))
        return f"no span in {query.dataset} had {missing} yet" if missing else ""


def look(honeycomb: Honeycomb, declared: Declarations) -> Found:
    """Return what is there. Raises `HoneycombError`."""
    # The datasets by name first: an environment-wide list might show theirs again.
    datasets = sorted({each.dataset for each in declared.queries.values()}, key=_environment_wide_last)
    found = Found({dataset: _columns(honeycomb, dataset) for dataset in datasets})
    _see_annotations(honeycomb, found)
    _see_boards(honeycomb, found)
    _see_triggers(honeycomb, found)
    return found


def environment_of(honeycomb: Honeycomb) -> str:
    """Return what the key opens. Raises `HoneycombError` for a key that may not do what is needed."""
    key = honeycomb.get("/1/auth")
    if not isinstance(key, dict) or not isinstance(access := key.get("api_key_access"), dict):
        raise HoneycombError(
            "/1/auth answered something that is not Honeycomb's", f"Try HONEYCOMB_API_URL={DEFAULT_URL}"
        )
    if key.get("type") == "ingest":
        raise HoneycombError("The key is an ingest key, which may send spans and nothing else", f"Give {WANTED}")
    if missing := [name for flag, name in NEEDED.items() if not access.get(flag)]:
        raise HoneycombError(f"The key lacks the permission {', '.join(missing)}", f"Give {WANTED}")
    environment, team = (key.get(each) or {} for each in ("environment", "team"))
    return f"environment {environment.get('name') or 'Classic'} of team {team.get('name')}"


def _environment_wide_last(dataset: str) -> tuple[bool, str]:
    return dataset == ENVIRONMENT_WIDE, dataset


def _columns(honeycomb: Honeycomb, dataset: str) -> frozenset[str] | None:
    listed = honeycomb.get_or_none(f"/1/columns/{dataset}")
    return None if listed is None else frozenset(str(each.get("key_name")) for each in _things(listed, "columns"))


def _see_annotations(honeycomb: Honeycomb, found: Found) -> None:
    seen: set[str] = set()
    for dataset in _present(found):
        listed = honeycomb.get(f"/1/query_annotations/{dataset}?include_board_annotations=true")
        for each in _things(listed, "query annotations"):
            if each["id"] in seen:
                continue
            seen.add(each["id"])
            if marker := marker_of(each):
                texts = (str(each.get(name) or "") for name in ("query_id", "name", "description"))
                found.annotations.append(Annotation(each["id"], dataset, marker, *texts))
            else:
                found.others["named queries"] += 1


def _see_boards(honeycomb: Honeycomb, found: Found) -> None:
    for each in _things(honeycomb.get("/1/boards"), "boards"):
        if marker_of(each):
            found.boards.append(each)
        else:
            found.others["boards"] += 1
    if len(found.boards) > 1:
        raise _ambiguous("boards", found.boards)


def _see_triggers(honeycomb: Honeycomb, found: Found) -> None:
    seen: set[str] = set()
    for dataset in _present(found):
        for each in _things(honeycomb.get(f"/1/triggers/{dataset}"), "triggers"):
            if each["id"] in seen:
                continue
            seen.add(each["id"])
            place = (str(each.get("dataset_slug") or dataset), marker.key) if (marker := marker_of(each)) else None
            if place is None:
                found.others["triggers"] += 1
            elif (twin := found.triggers.setdefault(place, each)) is not each:
                raise _ambiguous("triggers", [twin, each])


def _present(found: Found) -> Iterator[str]:
    return (dataset for dataset, columns in found.columns.items() if columns is not None)


def _things(listed: object, what: str) -> list[Thing]:
    """Return `listed` if it is what Honeycomb lists: objects, each with an id."""
    if not isinstance(listed, list) or not all(isinstance(each, dict) and each.get("id") for each in listed):
        raise HoneycombError(f"The list of {what} is not Honeycomb's", f"Try HONEYCOMB_API_URL={DEFAULT_URL}")
    return listed


def _ambiguous(what: str, twins: Iterable[Thing]) -> HoneycombError:
    ids = ", ".join(str(each["id"]) for each in twins)
    return HoneycombError(
        f"Several {what} end with the same line [kept by make honeycomb: ...], as a copy does (ids {ids})",
        "Take that line out of the description of the copy, which makes it yours",
    )
