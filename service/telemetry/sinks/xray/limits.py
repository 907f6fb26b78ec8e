"""Keep names, texts and annotations within the bounds of "AWS X-Ray segment documents" and of its published schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from service.telemetry.export.safe_json import number, text

Document = dict[str, Any]

MAX_ANNOTATIONS = 50
"""A trace."""
_MAX_NAME = 200
_MAX_TEXT = 250
_MAX_ANNOTATION = 1_000
_MAX_KEY = 500
# The guide allows the backslash too, the schema does not.
_NAME_ALPHABET = frozenset("_.:/%&#=+-@ ")


@lru_cache(maxsize=1024)
def segment_name(name: str) -> str:
    """Return `name` as a segment's: what the API refuses is dropped, 200 characters are kept."""
    return "".join(each for each in name if each.isalnum() or each in _NAME_ALPHABET)[:_MAX_NAME] or "unnamed"


def short(value: object) -> str:
    """Return a field of the `http` block, or a user: 250 characters at most."""
    if type(value) is str and value.isascii():
        return value[:_MAX_TEXT]
    return text(value)[:_MAX_TEXT]


def annotation_key(key: object) -> str:
    """Return `key` in letters, digits and underscores."""
    if type(key) is str and key.isidentifier() and key.isascii():
        return key[:_MAX_KEY]
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in text(key))[:_MAX_KEY] or "_"


def annotation_value(value: object) -> str | bool | int | float:
    """Return `value` as text, a number or a boolean: X-Ray indexes nothing else."""
    found = number(value)
    return text(value)[:_MAX_ANNOTATION] if found is None else found


class AnnotationBudget:
    """Give out the annotations that one trace may have, first come first served."""

    def __init__(self) -> None:
        self._left = MAX_ANNOTATIONS

    def spend(self, values: Mapping[str, Any]) -> tuple[Document, Document]:
        """Return `values` as annotations, and those for which none was left as they came."""
        taken: Document = {}
        if not values:
            return taken, {}
        for key, value in values.items():
            if len(taken) == self._left and annotation_key(key) not in taken:
                break
            taken[annotation_key(key)] = annotation_value(value)
        self._left -= len(taken)
        return taken, {key: value for key, value in values.items() if annotation_key(key) not in taken}
