"""Find the columns that a query asks for (Honeycomb API reference, "Query specification")."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

OBJECTS: Final = ("calculations", "filters", "orders", "havings", "calculated_fields")
"""The fields of a query that are lists of objects."""

# A column in a formula ("Calculated Field Formula Reference", syntax): `$name`, or `$"any name"`; strings hold none.
_IN_FORMULA: Final = re.compile(r'\$"(?P<quoted>[^"]+)"|\$(?P<plain>[\w./:=+?-]+)|"(?:[^"\\]|\\.)*"|`[^`]*`')


class Fault(NamedTuple):
    """What keeps a query from being read; `text` follows the field's name in a sentence."""

    field: str
    text: str


class QueryColumns:
    """The columns of one query specification."""

    def __init__(self, specification: Mapping[str, Any]) -> None:
        self._specification = specification

    @property
    def faults(self) -> Iterator[Fault]:
        """Yield what is not of the shape that `names` needs; Honeycomb itself checks the rest."""
        breakdowns = self._specification.get("breakdowns", [])
        if not isinstance(breakdowns, list) or not all(isinstance(each, str) for each in breakdowns):
            yield Fault("breakdowns", "is not a list of columns")
        for field in OBJECTS:
            found = self._specification.get(field, [])
            if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
                yield Fault(field, "is not a list of objects")
        if not self._specification.get("calculations"):
            # Honeycomb counts then, and lists what it counted: the declaration would not say what is shown.
            yield Fault("calculations", "is missing")

    @property
    def names(self) -> frozenset[str]:
        """Return the columns that spans must have: the query's own calculated fields are none."""
        calculated = {str(each.get("name")) for each in self._objects("calculated_fields")}
        return frozenset({*self._direct(), *self._in_formulas()} - calculated)

    def _direct(self) -> Iterator[str]:
        yield from self._specification.get("breakdowns", [])
        for field in OBJECTS:
            yield from (each["column"] for each in self._objects(field) if isinstance(each.get("column"), str))

    def _in_formulas(self) -> Iterator[str]:
        for each in self._objects("calculated_fields"):
            for found in _IN_FORMULA.finditer(str(each.get("expression", ""))):
                if column := found["quoted"] or found["plain"]:
                    yield column

    def _objects(self, field: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._specification.get(field, [])
        return found
