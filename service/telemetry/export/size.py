"""Estimate the memory of what is queued, to bound a queue in bytes."""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from typing import Any

_MAX_OBJECTS = 2_000
_OBJECT = 64
"""Bytes of an object of which nothing else is known."""
TOO_LARGE = 2**40
"""The size of what has more objects than are counted: no queue takes it."""
_REFERENCE = 48
"""Bytes of an item's place in a collection, the slack of a hash table included."""
_TEXTS = (str, bytes, bytearray)
_COLLECTIONS = (list, tuple, set, frozenset)


def size_of(item: object) -> int:
    """Return about how many bytes `item` takes: its own `size`, where it has one, else that of all that it holds."""
    size = getattr(item, "size", None)
    return size if type(size) is int else estimate(item)


def estimate(value: object) -> int:
    """Return about how many bytes text, numbers and nested collections take; `TOO_LARGE` for too many of them.

    What is referred to twice counts twice: to remember each object would cost more. Never raises.
    """
    try:
        return _estimate(value)
    except Exception:  # noqa: BLE001 - an application's class of collections may raise anything
        return TOO_LARGE


def _estimate(value: object) -> int:
    total, remaining = 0, _MAX_OBJECTS
    pending: list[Any] = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, _TEXTS):
            total += getsizeof(each)
        elif isinstance(each, Mapping):
            remaining -= len(each)
            total += _OBJECT + _REFERENCE * len(each)
            pending += each if remaining >= 0 else ()
            pending += each.values() if remaining >= 0 else ()
        elif isinstance(each, _COLLECTIONS):
            remaining -= len(each)
            total += _OBJECT + _REFERENCE * len(each)
            pending += each if remaining >= 0 else ()
        else:
            total += _OBJECT
        if remaining < 0:
            return TOO_LARGE
    return total
