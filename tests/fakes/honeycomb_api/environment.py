"""The state of a Honeycomb environment, and the responses that a test plans for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Resource = dict[str, Any]

ENVIRONMENT_WIDE: Final = "__all__"
PERMISSIONS: Final = (
    *("events", "markers", "triggers", "boards", "queries", "columns"),
    *("createDatasets", "slos", "recipients", "privateBoards"),
)


@dataclass(frozen=True, kw_only=True)
class PlannedResponse:
    """A response that replaces the usual one, for requests of `method` whose path contains `path`.

    With `after`, the request takes effect first and only its response is lost.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    method: str = ""
    path: str = ""
    after: bool = False


@dataclass
class Environment:
    """The resources of an environment. `datasets` maps slugs to columns, or to None if any column is accepted.

    `key` is the only valid key; None accepts every key. `denied` are the permissions that the key lacks, by their
    names in `api_key_access`.
    """

    datasets: Mapping[str, Iterable[str] | None] = field(default_factory=dict)
    key: str | None = None
    key_type: str = "configuration"
    denied: frozenset[str] = frozenset()

    queries: dict[str, Resource] = field(default_factory=dict)
    dataset_of: dict[str, str] = field(default_factory=dict)
    """The dataset of each query, annotation and trigger, by id."""

    annotations: dict[str, Resource] = field(default_factory=dict)
    boards: dict[str, Resource] = field(default_factory=dict)
    triggers: dict[str, Resource] = field(default_factory=dict)
    markers: dict[str, Resource] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Every request as method and path, such as `GET /1/auth`."""

    writes: list[str] = field(default_factory=list)
    """The accepted writes."""

    _planned: list[PlannedResponse] = field(default_factory=list)
    _ids: int = 0

    def plan(self, response: PlannedResponse, times: int = 1) -> None:
        """Send `response` to the next `times` matching requests."""
        self._planned += [response] * times

    def planned_response(self, method: str, path: str, *, after: bool) -> PlannedResponse | None:
        """Remove and return the next matching response."""
        for index, each in enumerate(self._planned):
            if each.after == after and each.method in {"", method} and each.path in path:
                return self._planned.pop(index)
        return None

    def has(self, dataset: str) -> bool:
        """Return whether `dataset` exists."""
        return dataset in self.datasets or (dataset == ENVIRONMENT_WIDE and bool(self.datasets))

    def columns(self, dataset: str) -> frozenset[str] | None:
        """Return the columns of `dataset` (of all with `__all__`); None if any column is accepted."""
        column_sets = self.datasets.values() if dataset == ENVIRONMENT_WIDE else [self.datasets[dataset]]
        if None in column_sets:
            return None
        return frozenset(column for columns in column_sets for column in columns or ())

    def in_dataset(self, resources: Mapping[str, Resource], dataset: str) -> list[Resource]:
        """Return the `resources` of `dataset`."""
        return [resource for each, resource in resources.items() if self.dataset_of[each] == dataset]

    def new_id(self, dataset: str = "") -> str:
        """Return a new id of eleven characters, like Honeycomb's."""
        self._ids += 1
        resource_id = f"fake{self._ids:07}"
        self.dataset_of[resource_id] = dataset
        return resource_id
