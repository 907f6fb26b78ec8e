"""Create and rename the named queries.

A query is immutable at Honeycomb, and so is the query of an annotation: a changed specification becomes a new query
with a new annotation. The old one stays, because boards of others may show it, renamed as superseded.
"""

from __future__ import annotations

from typing import Final

from operations.honeycomb.declarations import Query
from operations.honeycomb.remote_state import RemoteState, Resource
from operations.honeycomb.writer import QueryIds, Writer

_SUPERSEDED: Final = " (superseded)"


def apply_query(query: Query, remote: RemoteState, writer: Writer) -> None:
    """Apply `query`, and enter its ids into `writer`. Raises `OperatorError`."""
    versions = [each for each in remote.annotations if each.tag.key == query.key]
    current = next((each for each in versions if (each.dataset, each.tag) == (query.dataset, query.tag)), None)
    missing = "" if current else _missing(query, remote)
    if missing:
        writer.step("wait", "query", query.key, missing)
        if versions:
            writer.query_ids[query.key] = _ids(versions[-1])
        return
    path = f"/1/query_annotations/{query.dataset}"
    body = {"name": query.name, "description": query.tag.append_to(query.description)}
    if current:
        writer.query_ids[query.key] = _ids(current)
        unchanged = {"query_id": _ids(current).query_id}
        writer.upsert("query", query.key, path, existing=current.body, body=body, extra=unchanged)
    else:
        reason = "its specification, as a new query" if versions else ""
        writer.step("change" if versions else "create", "query", query.key, reason)
        query_id = writer.write("query", query.key, f"/1/queries/{query.dataset}", query.specification)["id"]
        annotation = writer.write("query", query.key, path, body | {"query_id": query_id})
        writer.query_ids[query.key] = QueryIds(query_id, annotation["id"])
    for each in versions:
        name, annotation_id = str(each.body.get("name")), each.body["id"]
        if each is not current and not name.endswith(_SUPERSEDED):
            writer.step("retire", "query", query.key, f"renames {annotation_id} as superseded")
            old = {"name": name + _SUPERSEDED, "description": each.body["description"], "query_id": _ids(each).query_id}
            writer.write("query", query.key, f"/1/query_annotations/{each.dataset}", old, replace=annotation_id)


def _missing(query: Query, remote: RemoteState) -> str:
    """Return why Honeycomb would reject `query` now; empty where it would not."""
    columns = remote.columns[query.dataset]
    if columns is None:
        return f"the dataset {query.dataset} has no spans yet"
    missing = ", ".join(sorted(query.columns - columns))
    return f"no span in {query.dataset} has {missing} yet" if missing else ""


def _ids(annotation: Resource) -> QueryIds:
    return QueryIds(annotation.body.get("query_id", ""), annotation.body["id"])
