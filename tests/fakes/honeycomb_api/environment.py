"""Hold what one Honeycomb environment holds, and the faults that a test plans for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Thing = dict[str, Any]

ENVIRONMENT_WIDE: Final = "__all__"
ACCESS: Final = (
    *("events", "markers", "triggers", "boards", "queries", "columns"),
    *("createDatasets", "slos", "recipients", "privateBoards"),
)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """An answer in the place of the usual one, to a request of `method` whose path holds `path`.

    `after` has the request done first: its answer is what gets lost.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    method: str = ""
    path: str = ""
    after: bool = False


@dataclass
class Environment:
    """What is there: `datasets` gives the columns of each by its slug, nothing where any column is taken.

    `key` is the only one that opens it; without one, every key does. `denied` are the permissions that it lacks, by
    their names in `api_key_access`.
    """

    datasets: Mapping[str, Iterable[str] | None] = field(default_factory=dict)
    key: str | None = None
    key_type: str = "configuration"
    denied: frozenset[str] = frozenset()

    queries: dict[str, Thing] = field(default_factory=dict)
    dataset_of: dict[str, str] = field(default_factory=dict)
    """The dataset of each query, annotation and trigger, by id."""

    annotations: dict[str, Thing] = field(default_factory=dict)
    boards: dict[str, Thing] = field(default_factory=dict)
    triggers: dict[str, Thing] = field(default_factory=dict)
    markers: dict[str, Thing] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """`GET /1/auth` and so on, every one that came."""

    writes: list[str] = field(default_factory=list)
    """Those that changed something."""

    _refusals: list[Refusal] = field(default_factory=list)
    _made: int = 0

    def refuse(self, refusal: Refusal, times: int = 1) -> None:
        """Answer the next `times` requests that fit it with `refusal`."""
        self._refusals += [refusal] * times

    def refusal_of(self, method: str, path: str, *, after: bool) -> Refusal | None:
        """Return the next refusal that fits, which is then used up."""
        for at, each in enumerate(self._refusals):
            if each.after == after and each.method in {"", method} and each.path in path:
                return self._refusals.pop(at)
        return None

    def has(self, dataset: str) -> bool:
        """Return whether anything was ever sent to `dataset`."""
        return dataset in self.datasets or (dataset == ENVIRONMENT_WIDE and bool(self.datasets))

    def columns(self, dataset: str) -> frozenset[str] | None:
        """Return the columns of `dataset`, all datasets' for the environment; nothing where any is taken."""
        chosen = self.datasets.values() if dataset == ENVIRONMENT_WIDE else [self.datasets[dataset]]
        if None in chosen:
            return None
        return frozenset(column for columns in chosen for column in columns or ())

    def of(self, things: Mapping[str, Thing], dataset: str) -> list[Thing]:
        """Return those of `things` that belong to `dataset`."""
        return [thing for each, thing in things.items() if self.dataset_of[each] == dataset]

    def new_id(self, dataset: str = "") -> str:
        """Return an id of eleven characters, as Honeycomb's are."""
        self._made += 1
        made = f"standin{self._made:04}"
        self.dataset_of[made] = dataset
        return made
