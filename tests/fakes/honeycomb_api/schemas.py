"""Check JSON against a shape, field by field, and word each fault as Honeycomb does.

Source of the wording: Honeycomb API reference, "Errors", `type_detail` of a validation problem: a field, one of the
codes `invalid`, `missing`, `incorrect_type`, and a description.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple


class Fault(NamedTuple):
    """What is wrong with one field."""

    field: str
    code: str
    description: str


Check = Callable[[str, Any], Iterator[Fault]]
"""Yields the faults of a value, given the field's name."""


def text(most: int = 1_000_000, least: int = 0) -> Check:
    """Take a text of `least` to `most` characters."""

    def check(field: str, value: object) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(field, "incorrect_type", "must be a string")
        elif not least <= len(value) <= most:
            yield Fault(field, "invalid", f"must have {least} to {most} characters")

    return check


def whole(least: int, most: int = 2**53, multiple: int = 1) -> Check:
    """Take a whole number from `least` to `most` that is a multiple of `multiple`."""

    def check(field: str, value: object) -> Iterator[Fault]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Fault(field, "incorrect_type", "must be an integer")
        elif not least <= value <= most or value % multiple:
            yield Fault(field, "invalid", f"must be from {least} to {most}, a multiple of {multiple}")

    return check


def number(field: str, value: object) -> Iterator[Fault]:
    """Take any number."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Fault(field, "incorrect_type", "must be a number")


def boolean(field: str, value: object) -> Iterator[Fault]:
    """Take true or false."""
    if not isinstance(value, bool):
        yield Fault(field, "incorrect_type", "must be a boolean")


def anything(_field: str, _value: object) -> Iterator[Fault]:
    """Take any value."""
    return iter(())


def one_of(values: Collection[str | int]) -> Check:
    """Take one of `values`."""

    def check(field: str, value: object) -> Iterator[Fault]:
        if value not in values or isinstance(value, bool):
            yield Fault(field, "invalid", f"must be one of {', '.join(map(str, values))}")

    return check


def or_null(inner: Check) -> Check:
    """Take null, or what `inner` takes."""
    return lambda field, value: iter(()) if value is None else inner(field, value)


def array(inner: Check, most: int = 1_000_000) -> Check:
    """Take a list of at most `most` values that `inner` takes."""

    def check(field: str, value: object) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(field, "incorrect_type", "must be an array")
            return
        if len(value) > most:
            yield Fault(field, "invalid", f"must have at most {most} items")
        for at, each in enumerate(value):
            yield from inner(f"{field}[{at}]", each)

    return check


def record(fields: Mapping[str, Check], required: Collection[str] = ()) -> Check:
    """Take an object of these `fields` and no other, those of `required` at least.

    The API reference does not say that other fields are refused: here they are, because a misspelt one does nothing.
    """

    def check(field: str, value: object) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(field, "incorrect_type", "must be an object")
            return
        within = f"{field}." if field else ""
        for name in required:
            if name not in value:
                yield Fault(within + name, "missing", "is required")
        for name, each in value.items():
            if name in fields:
                yield from fields[name](within + name, each)
            else:
                yield Fault(within + name, "invalid", "is unknown")

    return check
