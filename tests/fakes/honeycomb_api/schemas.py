"""Validate JSON field by field, with Honeycomb's error codes.

Source: Honeycomb API reference, "Errors", `type_detail` of a validation problem: a field, one of the
codes `invalid`, `missing`, `incorrect_type`, and a description.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple


class FieldError(NamedTuple):
    """A validation error of one field."""

    field: str
    code: str
    description: str


Schema = Callable[[str, Any], Iterator[FieldError]]
"""Yields the errors of a value, given the field's name."""


def text(max_length: int = 1_000_000, min_length: int = 0) -> Schema:
    """Accept a string of `min_length` to `max_length` characters."""

    def validate(field: str, value: object) -> Iterator[FieldError]:
        if not isinstance(value, str):
            yield FieldError(field, "incorrect_type", "must be a string")
        elif not min_length <= len(value) <= max_length:
            yield FieldError(field, "invalid", f"must have {min_length} to {max_length} characters")

    return validate


def integer(minimum: int, maximum: int = 2**53, multiple_of: int = 1) -> Schema:
    """Accept an integer from `minimum` to `maximum` that is a multiple of `multiple_of`."""

    def validate(field: str, value: object) -> Iterator[FieldError]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield FieldError(field, "incorrect_type", "must be an integer")
        elif not minimum <= value <= maximum or value % multiple_of:
            yield FieldError(field, "invalid", f"must be from {minimum} to {maximum}, a multiple of {multiple_of}")

    return validate


def number(field: str, value: object) -> Iterator[FieldError]:
    """Accept any number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield FieldError(field, "incorrect_type", "must be a number")


def boolean(field: str, value: object) -> Iterator[FieldError]:
    """Accept true or false."""
    if not isinstance(value, bool):
        yield FieldError(field, "incorrect_type", "must be a boolean")


def anything(_field: str, _value: object) -> Iterator[FieldError]:
    """Accept any value."""
    return iter(())


def one_of(values: Collection[str | int]) -> Schema:
    """Accept one of `values`."""

    def validate(field: str, value: object) -> Iterator[FieldError]:
        if value not in values or isinstance(value, bool):
            yield FieldError(field, "invalid", f"must be one of {', '.join(map(str, values))}")

    return validate


def or_null(inner: Schema) -> Schema:
    """Accept null, or a value that `inner` accepts."""
    return lambda field, value: iter(()) if value is None else inner(field, value)


def array(inner: Schema, max_items: int = 1_000_000) -> Schema:
    """Accept a list of at most `max_items` values that `inner` accepts."""

    def validate(field: str, value: object) -> Iterator[FieldError]:
        if not isinstance(value, list):
            yield FieldError(field, "incorrect_type", "must be an array")
            return
        if len(value) > max_items:
            yield FieldError(field, "invalid", f"must have at most {max_items} items")
        for index, each in enumerate(value):
            yield from inner(f"{field}[{index}]", each)

    return validate


def record(fields: Mapping[str, Schema], required: Collection[str] = ()) -> Schema:
    """Accept an object of these `fields`, of which `required` must be present.

    Unknown fields are errors, unlike in the API reference, because a misspelt field would have no effect.
    """

    def validate(field: str, value: object) -> Iterator[FieldError]:
        if not isinstance(value, dict):
            yield FieldError(field, "incorrect_type", "must be an object")
            return
        prefix = f"{field}." if field else ""
        for name in required:
            if name not in value:
                yield FieldError(prefix + name, "missing", "is required")
        for name, each in value.items():
            if name in fields:
                yield from fields[name](prefix + name, each)
            else:
                yield FieldError(prefix + name, "invalid", "is unknown")

    return validate
