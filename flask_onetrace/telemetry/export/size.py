"""Estimate the memory of what is queued, to bound a queue in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from typing import Any

_MAX_OBJECTS = 10_000
_OBJECT = 64
"""Bytes of an object of which nothing else is known."""
TOO_LARGE = 2**40
"""The size of what has more objects than are counted, which takes a millisecond: no queue takes it."""
_REFERENCE = 48
"""Bytes of an item's place in a collection, the slack of a hash table included."""
_TEXTS = (str, bytes, bytearray)
_COLLECTIONS = (Mapping, list, tuple, set, frozenset)


def size_of(item: object) -> int:
    """Return about how many bytes `item` takes: its own `size`, where it has one, else that of all that it holds."""
    size = getattr(item, "size", None)
    return size if type(size) is int else estimate(item)


def estimate(value: object) -> int:
    """Return about how many bytes text, numbers and nested collections take; `TOO_LARGE` for too many of them.

    Never raises.
    """
    try:
        return _estimate(value)
    except Exception:  # noqa: BLE001 - an application's class of collections may raise anything
        return TOO_LARGE


def _estimate(value: object) -> int:
    total, remaining = 0, _MAX_OBJECTS
    pending: list[Any] = [value]
    visited: set[int] = set()
    while pending:
        each = pending.pop()
        if isinstance(each, _TEXTS):
            total += getsizeof(each)
            continue
        total += _OBJECT
        if not isinstance(each, _COLLECTIONS) or id(each) in visited:
            continue
        visited.add(id(each))
        remaining -= len(each)
        if remaining < 0:
            return TOO_LARGE
        total += _REFERENCE * len(each)
        pending += each
        if isinstance(each, Mapping):
            pending += each.values()
    return total
