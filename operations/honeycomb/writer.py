"""Write resources to Honeycomb, and report the step for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from operations.errors import OperatorError
from operations.honeycomb.client import HoneycombClient, Json


class QueryIds(NamedTuple):
    """The ids of a query and of the annotation that names it."""

    query_id: str
    annotation_id: str


@dataclass
class Writer:
    """Send writes with `client`, or none where `dry_run`; `report` gets one line per resource.

    `query_ids` are by the queries' keys, without those that have to wait. `changes` and `waiting` count resources.
    """

    client: HoneycombClient
    report: Callable[[str], object]
    dry_run: bool
    query_ids: dict[str, QueryIds] = field(default_factory=dict)
    changes: int = 0
    waiting: int = 0

    def step(self, verb: str, kind: str, key: str, reason: str = "") -> None:
        """Report and count the step for one resource: create, change, retire, leave or wait."""
        self.report(f"  {verb:<6}  {kind:<7}  {key}{': ' if reason else ''}{reason}\n")
        self.changes += verb in {"create", "change", "retire"}
        self.waiting += verb == "wait"

    def write(self, kind: str, key: str, path: str, body: Mapping[str, Any], *, replace: str = "") -> Json:
        """Create a resource at `path`, or replace the one whose id is given; return the response.

        A dry run returns an empty id.
        """
        if self.dry_run:
            return {"id": ""}
        try:
            if replace:
                return self.client.put(f"{path}/{replace}", body)
            return self.client.post(path, body)
        except OperatorError as error:
            raise OperatorError(f"{kind.capitalize()} {key}: {error.problem}", error.remedy) from error

    def upsert(
        self, kind: str, key: str, path: str, *, existing: Json, body: Json, extra: Json, note: str = ""
    ) -> Json:
        """Give `existing`, empty where there is none, the fields of `body`, and return the resource.

        A PUT replaces the whole resource: `extra` holds the fields that are sent along without being compared.
        """
        changes = [name.removesuffix("_id") for name, value in body.items() if existing.get(name) != value]
        if existing and not changes:
            self.step("leave", kind, key, note)
            return existing
        reason = f"its {', '.join(changes)}".replace("_", " ")
        self.step("change" if existing else "create", kind, key, reason if existing else note)
        return existing | self.write(kind, key, path, extra | body, replace=existing.get("id", ""))
