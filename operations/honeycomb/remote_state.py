"""Fetch the remote state: the resources of the Honeycomb environment, and which of them `make honeycomb` owns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from operations.errors import OperatorError
from operations.honeycomb.client import ALL_DATASETS, HoneycombClient, Json
from operations.honeycomb.declarations import Query
from operations.honeycomb.http_errors import PERMISSIONS, REQUIRED_KEY, NotFoundError, unexpected_response
from operations.honeycomb.ownership_tag import OwnershipTag, tag_of


class Resource(NamedTuple):
    """A query annotation, board or trigger that carries an ownership tag; `body` is as Honeycomb lists it."""

    dataset: str
    tag: OwnershipTag
    body: Json


@dataclass
class RemoteState:
    """The resources of the Honeycomb environment. `columns` are by dataset, `None` where the dataset does not exist.

    `triggers` are by dataset and key; `board` is empty where there is none; `unowned` counts, by kind, the
    resources of others.
    """

    columns: Mapping[str, frozenset[str] | None]
    annotations: list[Resource]
    triggers: Mapping[tuple[str, str], Json]
    board: Json
    unowned: Mapping[str, int]

    @property
    def board_url(self) -> str:
        """Return the board's URL; empty where there is no board, or Honeycomb gives none."""
        links = self.board.get("links")
        return str(links.get("board_url") or "") if isinstance(links, dict) else ""


def fetch(client: HoneycombClient, application: str, queries: Iterable[Query]) -> RemoteState:
    """Return the state of the datasets of `queries`, as `application`, by its slug, owns it. Raises `OperatorError`."""
    # The environment-wide dataset last: its lists may repeat the others'.
    datasets = sorted({query.dataset for query in queries}, key=lambda dataset: (dataset == ALL_DATASETS, dataset))
    columns = {dataset: _columns(client, dataset) for dataset in datasets}
    existing = [dataset for dataset in datasets if columns[dataset] is not None]
    annotations, other_annotations = _list(
        client, application, {each: f"/1/query_annotations/{each}?include_board_annotations=true" for each in existing}
    )
    boards, other_boards = _list(client, application, {"": "/1/boards"})
    triggers, other_triggers = _list(client, application, {each: f"/1/triggers/{each}" for each in existing})
    return RemoteState(
        columns=columns,
        annotations=annotations,
        triggers=_by_declaration("triggers", triggers),
        board=next(iter(_by_declaration("boards", boards).values()), {}),
        unowned={"named queries": other_annotations, "boards": other_boards, "triggers": other_triggers},
    )


def describe_environment(client: HoneycombClient) -> str:
    """Return the names of the key's environment and team. Raises `OperatorError` where the key lacks a permission."""
    key = client.get("/1/auth")
    access = key.get("api_key_access") if isinstance(key, dict) else None
    if not isinstance(access, dict):
        raise unexpected_response(client.url, "GET /1/auth")
    if key.get("type") == "ingest":
        raise OperatorError("The key is an ingest key, which can only send spans", f"Use {REQUIRED_KEY}")
    if missing := [name for flag, name in PERMISSIONS.items() if flag != "markers" and not access.get(flag)]:
        raise OperatorError(f"The key lacks the permission {', '.join(missing)}", f"Use {REQUIRED_KEY}")
    environment, team = (key.get(each) or {} for each in ("environment", "team"))
    return f"environment {environment.get('name') or 'Classic'} of team {team.get('name')}"


def _columns(client: HoneycombClient, dataset: str) -> frozenset[str] | None:
    try:
        return frozenset(str(each.get("key_name")) for each in client.list(f"/1/columns/{dataset}"))
    except NotFoundError:
        return None


def _list(client: HoneycombClient, application: str, paths: Mapping[str, str]) -> tuple[list[Resource], int]:
    """Return the application's resources at `paths`, which are by dataset, and the number of the others."""
    bodies: dict[str, tuple[str, Json]] = {}
    for dataset, path in paths.items():
        for body in client.list(path):
            bodies.setdefault(body["id"], (str(body.get("dataset_slug") or dataset), body))
    tagged = [Resource(dataset, tag, body) for dataset, body in bodies.values() if (tag := tag_of(body))]
    owned = [each for each in tagged if each.tag.application == application]
    return owned, len(bodies) - len(owned)


def _by_declaration(kind: str, resources: Iterable[Resource]) -> dict[tuple[str, str], Json]:
    bodies: dict[tuple[str, str], Json] = {}
    for dataset, tag, body in resources:
        first = bodies.setdefault((dataset, tag.key), body)
        if first is not body:
            raise OperatorError(
                f"Several {kind} end with the same line [kept by make honeycomb: ...], as a copy does"
                f" (ids {first['id']}, {body['id']})",
                "Delete that line from the copy's description, which makes it yours",
            )
    return bodies
