"""Fit names, texts and annotations to the limits of "AWS X-Ray segment documents" and of its published schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask_onetrace.telemetry.export.safe_json import number
from flask_onetrace.telemetry.plain import text

Document = dict[str, Any]

MAX_ANNOTATIONS = 50
"""Per trace."""
_MAX_NAME = 200
_MAX_TEXT = 250
_MAX_ANNOTATION = 1_000
_MAX_KEY = 500
# The guide allows the backslash too, the schema does not.
_NAME_ALPHABET = frozenset("_.:/%&#=+-@ ")


@lru_cache(maxsize=1024)
def segment_name(name: str) -> str:
    """Return `name` as a segment's: without characters that the API rejects, and 200 at most."""
    return "".join(each for each in name if each.isalnum() or each in _NAME_ALPHABET)[:_MAX_NAME] or "unnamed"


def short(value: object) -> str:
    """Return `value` as text of at most 250 characters, the limit of `http` fields and users."""
    if type(value) is str and value.isascii():
        return value[:_MAX_TEXT]
    return text(value)[:_MAX_TEXT]


def annotation_key(key: object) -> str:
    """Return `key` with every other character than ASCII letters and digits as an underscore."""
    if type(key) is str and key.isidentifier() and key.isascii():
        return key[:_MAX_KEY]
    return "".join(each if each.isascii() and each.isalnum() else "_" for each in text(key))[:_MAX_KEY] or "_"


def annotation_value(value: object) -> str | bool | int | float:
    """Return `value` as text, a number or a boolean, the types that X-Ray indexes."""
    numeric = number(value)
    return text(value)[:_MAX_ANNOTATION] if numeric is None else numeric


class AnnotationBudget:
    """Limit the annotations of one trace, first come, first served."""

    def __init__(self) -> None:
        self._remaining = MAX_ANNOTATIONS

    def spend(self, values: Mapping[str, Any]) -> tuple[Document, Document]:
        """Return the annotations for `values`, and unchanged the values beyond the limit."""
        annotations: Document = {}
        if not values:
            return annotations, {}
        for key, value in values.items():
            if len(annotations) == self._remaining and annotation_key(key) not in annotations:
                break
            annotations[annotation_key(key)] = annotation_value(value)
        self._remaining -= len(annotations)
        return annotations, {key: value for key, value in values.items() if annotation_key(key) not in annotations}
