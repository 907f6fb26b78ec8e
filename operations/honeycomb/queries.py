"""Keep the named queries as they are declared.

A query never changes at Honeycomb, and neither does the query that an annotation names: a declaration that asks
something else becomes a new query with an annotation of its own. The one before is kept, for boards of others may show
it, under a name that says it is superseded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.honeycomb.client import Honeycomb
from operations.honeycomb.declarations import Query
from operations.honeycomb.remote_state import Annotation, Found
from operations.honeycomb.steps import TO_BE_MADE, Pair, Pairs, Step, Verb, Write

SUPERSEDED: Final = " (superseded)"
_KIND = "query"


def steps(query: Query, found: Found, pairs: Pairs) -> Iterator[Step]:
    """Yield what becomes of `query`, and note in `pairs` what shows it."""
    ours = [each for each in found.annotations if each.marker.key == query.key]
    current = next((each for each in ours if each.marker == query.marker and each.dataset == query.dataset), None)
    if current is not None:
        pairs[query.key] = Pair(current.query_id, current.id)
        yield _renamed(query, current)
    elif lack := found.lacks(query):
        if ours:
            pairs[query.key] = Pair(ours[-1].query_id, ours[-1].id)
        yield Step(Verb.WAIT, _KIND, query.key, lack)
        return
    else:
        pairs[query.key] = TO_BE_MADE
        verb, why = (Verb.CHANGE, "it asks something else, so it is made anew") if ours else (Verb.CREATE, "")
        yield Step(verb, _KIND, query.key, why, _making(query))
    for each in ours:
        if each is not current and not each.name.endswith(SUPERSEDED):
            yield Step(Verb.RETIRE, _KIND, query.key, f"{each.id} is named superseded", _naming_superseded(each))


def _renamed(query: Query, current: Annotation) -> Step:
    description = query.marker.below(query.description)
    if (current.name, current.description) == (query.name, description):
        return Step(Verb.LEAVE, _KIND, query.key)
    return Step(Verb.CHANGE, _KIND, query.key, "its name or description", _naming(current, query.name, description))


def _making(query: Query) -> Write:
    def write(honeycomb: Honeycomb, pairs: Pairs) -> None:
        made = honeycomb.make(f"/1/queries/{query.dataset}", dict(query.specification))["id"]
        body = {"name": query.name, "description": query.marker.below(query.description), "query_id": made}
        pairs[query.key] = Pair(made, honeycomb.make(f"/1/query_annotations/{query.dataset}", body)["id"])

    return write


def _naming_superseded(annotation: Annotation) -> Write:
    return _naming(annotation, annotation.name + SUPERSEDED, annotation.description)


def _naming(annotation: Annotation, name: str, description: str) -> Write:
    # Partial updates are not supported: the query's id goes along, unchanged.
    body = {"name": name, "description": description, "query_id": annotation.query_id}

    def write(honeycomb: Honeycomb, _: Pairs) -> None:
        honeycomb.put(f"/1/query_annotations/{annotation.dataset}/{annotation.id}", body)

    return write
