"""List the attributes of the known requests, and the terms of a filter that none of them can match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from operations.traces.filter_values import CHECKS, names_of
from operations.traces.filters import Entry, Filter

MAX_ATTRIBUTES: Final = 200
"""The most frequent ones."""
_VALUES: Final = 3
_MAX_COUNTED: Final = 1_000
"""Values of one attribute: ids have as many as there are requests."""
_CUTOFF: Final = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """An attribute or annotation, the number of requests that have it, and its most frequent values."""

    key: str
    requests: int
    values: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownTerm:
    """A term whose attribute no request has, and the known key that is spelled most like it."""

    term: str
    key: str
    nearest: str | None


def attributes_of(entries: Iterable[Entry]) -> list[Attribute]:
    """Return the attributes of the requests, the most frequent first."""
    requests: Counter[str] = Counter()
    values: dict[str, Counter[str]] = {}
    for entry in entries:
        for key, found in list(entry.attributes.items()):
            requests[key] += 1
            counts = values.setdefault(key, Counter())
            if len(counts) < _MAX_COUNTED:
                counts.update(str(each).lower() if isinstance(each, bool) else str(each) for each in tuple(found))
    return [
        Attribute(key=key, requests=number, values=[value for value, _ in values[key].most_common(_VALUES)])
        for key, number in requests.most_common()
    ]


def attribute(attributes: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON
    """Return a span's attribute of that name, or of the name that it had earlier; None without it."""
    return next((attributes[each] for each in names_of(name) if attributes.get(each) is not None), None)


def unknown_terms(terms: Filter, known: Iterable[Attribute]) -> list[UnknownTerm]:
    """Return the terms that name an attribute which no request has."""
    keys = [each.key for each in known]
    known_names, unknown = frozenset(keys), []
    for term in terms.terms:
        if term.key is None or term.negated or term.key in CHECKS or not known_names.isdisjoint(names_of(term.key)):
            continue
        nearest = get_close_matches(term.key, [*CHECKS, *keys], n=1, cutoff=_CUTOFF)
        unknown.append(UnknownTerm(term=str(term), key=term.key, nearest=nearest[0] if nearest else None))
    return unknown
