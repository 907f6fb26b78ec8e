"""Convert values of application code to plain ones: of Python's own types exactly, and of what every sink can encode.

A value's methods are application code: they may raise anything, lie about its class, or return what no text is. So its
type decides what is read, by that type's own functions, and an error costs the one value.
"""

from __future__ import annotations

import signal
import threading
from array import array
from collections import deque
from collections.abc import Collection, Mapping, MappingView, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import datetime
from itertools import islice
from operator import index
from traceback import walk_tb
from typing import Any, Final

UNREADABLE: Final = "(could not be read)"
INTEGERS: Final = range(-(2**63), 2**63)
"""What OTLP's `intValue` takes, and the JSON parsers of most back ends ("AnyValue", OpenTelemetry's `common.proto`)."""
_MAX_TIME = 2**64 - 1
"""What OTLP's times take: `fixed64`."""
_MAX_DECIMAL_BITS = 12_000
"""Python refuses to print the decimals of a longer integer ("Integer string conversion length limitation")."""
_NANOSECONDS = 1_000_000_000
_MICROSECOND = 1_000
_MAX_TYPE_NAME = 256
_TEXTS = (str, bytes, bytearray)
_PRINTED = (Mapping, MappingView, Sequence, Set, deque, array)
_PRINTED_BRIEFLY = (*_TEXTS, memoryview, range)
_MAX_PRINTED_ITEMS, _MAX_PRINTED_CHARACTERS = 2_000, 128 * 1024
_NAME = type.__dict__["__name__"].__get__


def text(value: object) -> str:
    """Return `value` as text that UTF-8 can encode. Never raises."""
    try:
        return utf8(_text_of(value))
    except BaseException as error:
        if ends_process(error):
            raise
        return UNREADABLE


def _text_of(value: object) -> str:
    if isinstance(value, str) and issubclass(type(value), str):
        return str.__str__(value)
    if prints_long(value):
        return f"({type_name(value)}: too much to print)"
    if issubclass(type(value), int) and (number := exact_integer(value)).bit_length() > _MAX_DECIMAL_BITS:
        return hex(number)
    printed = str(value)
    return printed if type(printed) is str else str.__str__(printed)


def type_name(value: object) -> str:
    """Return the name of the value's class. Never raises: a metaclass may have a name of its own."""
    return text(_NAME(type(value)))[:_MAX_TYPE_NAME]


def utf8(value: str) -> str:
    """Return `value` with a question mark in place of each lone surrogate, which UTF-8 cannot carry."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode()
    return value


def exact_integer(value: object) -> int:
    """Return the `int` in `value`, of that class or a subclass."""
    return int.__int__(value)  # type: ignore[arg-type]  # the caller knows its class


def is_encodable(value: int) -> bool:
    """Return whether every sink can encode the integer."""
    return value in INTEGERS


def nanoseconds(value: object) -> int | None:
    """Return a time as whole nanoseconds since the epoch; None for what is none. Never raises.

    A float is taken as nanoseconds too, and a `datetime` as the time that it is.
    """
    try:
        count = _nanoseconds(value)
    except BaseException as error:
        if ends_process(error):
            raise
        return None
    return count if 0 <= count <= _MAX_TIME else None


def _nanoseconds(value: object) -> int:
    kind = type(value)
    if issubclass(kind, int):
        return exact_integer(value)
    if issubclass(kind, float):
        return int(float.__float__(value))  # type: ignore[arg-type]  # known by its class
    if kind is datetime:
        seconds = datetime.timestamp(value.replace(microsecond=0))  # type: ignore[attr-defined]  # as above
        return int(seconds) * _NANOSECONDS + int(value.microsecond) * _MICROSECOND  # type: ignore[attr-defined]  # as above
    return exact_integer(index(value))  # type: ignore[arg-type]  # raises for what is no number


def ends_process(error: BaseException) -> bool:
    """Return whether `error`, raised while a value was read, is to end the process rather than to cost the value.

    On the main thread Ctrl-C may come at any moment, and so may whatever a handler of a signal raises.
    """
    if isinstance(error, Exception) or threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, KeyboardInterrupt):
        return True
    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    return any(frame.f_code in codes for frame, _ in walk_tb(error.__traceback__))


def _code_of(handler: object) -> object:
    return getattr(getattr(handler, "__func__", handler), "__code__", None)


def prints_long(value: object) -> bool:
    """Return whether Python would print far more of a collection than is shown. An item counts each time it is met."""
    kind = type(value)
    if issubclass(kind, _PRINTED_BRIEFLY) or not (issubclass(kind, (*_PRINTED, BaseException)) or is_dataclass(kind)):
        return False
    try:
        return _prints_long(value)
    except Exception:  # noqa: BLE001 - an application's class of collections may raise anything
        return True


def _prints_long(value: object) -> bool:
    max_items, max_characters = _MAX_PRINTED_ITEMS, _MAX_PRINTED_CHARACTERS
    pending: list[Any] = [value]
    while pending:
        each = pending.pop()
        if issubclass(type(each), _TEXTS):
            max_characters -= len(each)
        else:
            parts = _parts(each)
            max_items -= len(parts)
            if max_items >= 0:
                pending += parts
        if max_items < 0 or max_characters < 0:
            return True
    return False


def _parts(value: Any) -> Collection[Any]:  # noqa: ANN401 - any value
    """Return what Python prints within `value`."""
    kind = type(value)
    if issubclass(kind, Mapping):
        return [*islice(value, _MAX_PRINTED_ITEMS + 1), *islice(value.values(), _MAX_PRINTED_ITEMS + 1)]
    if issubclass(kind, _PRINTED) and not issubclass(kind, _PRINTED_BRIEFLY):
        return list(islice(value, _MAX_PRINTED_ITEMS + 1))
    if issubclass(kind, BaseException):
        arguments: tuple[Any, ...] = BaseException.__dict__["args"].__get__(value)
        return arguments
    if is_dataclass(kind):
        return [getattr(value, field.name) for field in fields(kind) if field.repr]
    return ()
