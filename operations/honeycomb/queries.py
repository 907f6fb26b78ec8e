"""Plan the named queries.

A query is immutable at Honeycomb, and so is the query of an annotation: a changed specification becomes a new query
with a new annotation. The old one stays, because boards of others may show it, renamed as superseded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from operations.honeycomb.declarations import Query
from operations.honeycomb.remote_state import Resource
from operations.honeycomb.steps import QueryIds, Run, Step, Verb

_SUPERSEDED: Final = " (superseded)"


def query_steps(query: Query, run: Run) -> Iterator[Step]:
    """Yield the steps for `query`, and enter its ids into `run`."""
    versions = [each for each in run.remote.annotations if each.tag.key == query.key]
    current = next((each for each in versions if (each.dataset, each.tag) == (query.dataset, query.tag)), None)
    if current:
        run.query_ids[query.key] = _ids(current)
        yield _rename(current, query.key, query.name, query.tag.append_to(query.description), run)
    elif missing := _missing(query, run):
        if versions:
            run.query_ids[query.key] = _ids(versions[-1])
        yield Step("wait", "query", query.key, missing)
        return
    else:
        run.query_ids[query.key] = QueryIds()
        verb: Verb = "change" if versions else "create"
        reason = "its specification, as a new query" if versions else ""
        yield Step(verb, "query", query.key, reason, lambda: _create(query, run))
    for each in versions:
        name = str(each.body.get("name"))
        if each is not current and not name.endswith(_SUPERSEDED):
            step = _rename(each, query.key, name + _SUPERSEDED, each.body["description"], run)
            yield replace(step, verb="retire", reason=f"renames {each.body['id']} as superseded")


def _missing(query: Query, run: Run) -> str:
    """Return why Honeycomb would reject `query` now; empty where it would not."""
    columns = run.remote.columns[query.dataset]
    if columns is None:
        return f"the dataset {query.dataset} has no spans yet"
    missing = ", ".join(sorted(query.columns - columns))
    return f"no span in {query.dataset} has {missing} yet" if missing else ""


def _ids(annotation: Resource) -> QueryIds:
    return QueryIds(annotation.body.get("query_id", ""), annotation.body["id"])


def _create(query: Query, run: Run) -> None:
    query_id = run.client.post(f"/1/queries/{query.dataset}", query.specification)["id"]
    body = {"name": query.name, "description": query.tag.append_to(query.description), "query_id": query_id}
    run.query_ids[query.key] = QueryIds(query_id, run.client.post(f"/1/query_annotations/{query.dataset}", body)["id"])


def _rename(annotation: Resource, key: str, name: str, description: str, run: Run) -> Step:
    body = {"name": name, "description": description, "query_id": _ids(annotation).query_id}
    path = f"/1/query_annotations/{annotation.dataset}"
    return run.step("query", key, path, existing=annotation.body, body=lambda: body, extra={})
