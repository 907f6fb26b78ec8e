"""Any value becomes a plain one, whatever its methods do; only what is to end the process passes."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntEnum
from itertools import count
from typing import Any, NoReturn

import pytest

from flask_onetrace.telemetry.plain import UNREADABLE, nanoseconds, prints_long, text
from flask_onetrace.telemetry.redaction import NO_SECRETS
from flask_onetrace.telemetry.redaction.log_messages import message_of
from tests.cpu_time import CONSTANT, growth


class Number(IntEnum):
    ONE = 1


class Interrupted:
    """Its text is asked for when Ctrl-C, or a signal of the server's, comes."""

    def __init__(self, number: signal.Signals) -> None:
        self._number = number

    def __str__(self) -> str:
        os.kill(os.getpid(), self._number)
        return "text"


class Exits:
    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def __str__(self) -> str:
        raise self._error


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        ("\ud800", "?"),
        (None, "None"),
        (2**70, str(2**70)),
        (10**5000, hex(10**5000)),
        (Number.ONE, "1"),
        ([1], "[1]"),
        ([0] * 3_000, "(list: too much to print)"),
        (Exits(SystemExit), UNREADABLE),
        (Exits(RecursionError), UNREADABLE),
        (Exits(GeneratorExit), UNREADABLE),
    ],
    ids=lambda each: type(each).__name__,
)
def test_the_text_of_a_value(value: object, expected: str) -> None:
    assert text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (2**64 - 1, 2**64 - 1),
        (1.5e18, 1_500_000_000_000_000_000),
        (True, 1),
        (datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC), 1_000_005_000),
        (datetime(1969, 1, 1, tzinfo=UTC), None),
        (-1, None),
        (2**64, None),
        (float("nan"), None),
        (float("inf"), None),
        ("1", None),
        (None, None),
        (Exits(SystemExit), None),
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_time_is_whole_nanoseconds_or_none(value: object, expected: int | None) -> None:
    assert nanoseconds(value) == expected


def shared(levels: int) -> list[Any]:
    value: list[Any] = [1]
    for _ in range(levels):
        value = [value, value]
    return value


def test_what_appears_often_is_counted_each_time() -> None:
    assert not prints_long(shared(5))
    assert prints_long(shared(60))


def test_objects_that_all_refer_to_each_other_are_copied_within_the_bounds() -> None:
    class Node:
        peers: list[Any]

    nodes = [Node() for _ in range(4)]
    for node in nodes:
        node.peers = nodes
    copier = NO_SECRETS.copier()
    copier.value({"nodes": nodes})
    assert copier.size < 300_000


def test_ctrl_c_on_the_main_thread_passes() -> None:
    with pytest.raises(KeyboardInterrupt):
        text(Exits(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        NO_SECRETS.value([Exits(KeyboardInterrupt)], text)


def test_on_another_thread_it_costs_the_value() -> None:
    texts: list[str] = []
    thread = threading.Thread(target=lambda: texts.append(text(Exits(KeyboardInterrupt))))
    thread.start()
    thread.join()
    assert texts == [UNREADABLE]


def test_the_exit_that_a_signal_handler_raises_passes() -> None:
    def exit_process(*_: object) -> NoReturn:
        raise SystemExit(1)

    previous = signal.signal(signal.SIGUSR1, exit_process)
    try:
        with pytest.raises(SystemExit):
            text(Interrupted(signal.SIGUSR1))
    finally:
        signal.signal(signal.SIGUSR1, previous)


class Endless:
    def __iter__(self) -> Iterator[int]:
        return count()


@pytest.mark.timeout(30)
@pytest.mark.parametrize("values", [range(10**12), count(), Endless()], ids=["range", "count", "endless"])
def test_what_is_no_mapping_is_not_searched_in_place_of_one(values: Any) -> None:  # noqa: ANN401 - what a caller passes as a mapping
    assert NO_SECRETS.copier().mapping(values) == {}


def of_args(args: object) -> str:
    return message_of(logging.makeLogRecord({"msg": "%s", "args": args}), NO_SECRETS)


@pytest.mark.timeout(30)
def test_a_range_in_place_of_arguments_is_not_walked_through() -> None:
    assert of_args(range(10**12)) == "range(0, 1000000000000)"


def test_arguments_that_are_no_few_are_not_walked_through() -> None:
    assert of_args((0,) * 10**6) == "%s (its arguments could not be formatted)"
    assert growth(of_args, lambda size: (0,) * size, 10**6) < CONSTANT


def test_of_a_mapping_only_the_members_are_read_that_a_message_names() -> None:
    class Endless(dict[str, Any]):
        def __iter__(self) -> Iterator[str]:
            return map(str, count())

    record = logging.makeLogRecord({"msg": "%(name)s %(password)s", "args": Endless(name="x", password="y")})
    assert message_of(record, NO_SECRETS) == "x REDACTED"
