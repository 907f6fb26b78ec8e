"""Plan one step: create, change or leave one resource."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from operations.honeycomb.client import HoneycombClient, Json
from operations.honeycomb.declarations import Declarations
from operations.honeycomb.remote_state import RemoteState

Verb = Literal["create", "change", "retire", "leave", "wait"]


@dataclass(frozen=True)
class Step:
    """One line of the plan; `write` carries it out, `None` where there is nothing to do."""

    verb: Verb
    kind: str
    key: str
    reason: str = ""
    write: Callable[[], None] | None = None

    def __str__(self) -> str:
        line = f"{self.verb:<6}  {self.kind:<7}  {self.key}"
        return f"{line}: {self.reason}" if self.reason else line


class QueryIds(NamedTuple):
    """The ids of a query and of the annotation that names it; empty until the query is created."""

    query_id: str = ""
    annotation_id: str = ""


@dataclass
class Run:
    """What all steps share; `query_ids` are by the queries' keys, without those that have to wait."""

    client: HoneycombClient
    declared: Declarations
    remote: RemoteState
    query_ids: dict[str, QueryIds] = field(default_factory=dict)

    def step(
        self,
        kind: str,
        key: str,
        path: str,
        *,
        existing: Json,
        body: Callable[[], Json],
        extra: Json,
        note: str = "",
    ) -> Step:
        """Return the step after which `existing`, empty where there is none, has the fields of `body`.

        `body` is called again for the request, when all ids are known. A PUT replaces the whole resource: `extra`
        holds the fields that are sent along without being compared.
        """
        if not existing:
            return Step("create", kind, key, note, lambda: existing.update(self.client.post(path, extra | body())))
        changes = [name.removesuffix("_id") for name, value in body().items() if existing.get(name) != value]
        if not changes:
            return Step("leave", kind, key, note)
        reason = f"its {', '.join(changes)}".replace("_", " ")
        url = f"{path}/{existing['id']}"
        return Step("change", kind, key, reason, lambda: self.client.put(url, extra | body()))
