"""What is told of an exception reads as Python prints it, and holds none of its frames."""

from __future__ import annotations

import gc
import traceback
import weakref
from collections.abc import Callable
from typing import NoReturn

import pytest

from service.telemetry.spans.exceptions import ExceptionSnapshot


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def chained() -> None:
    try:
        int("x")
    except ValueError as error:
        raise KeyError("y") from error


def in_context() -> NoReturn:
    try:
        int("x")
    finally:
        raise KeyError("y")


def without_context() -> None:
    try:
        int("x")
    except ValueError:
        raise KeyError("y") from None


def group() -> NoReturn:
    raise ExceptionGroup("two", [ValueError("x"), ExceptionGroup("inner", [TypeError("y")])])


def noted() -> NoReturn:
    error = ValueError("x")
    error.add_note("a note")
    raise error


def recurse() -> NoReturn:
    recurse()


def unprintable() -> NoReturn:
    raise UnprintableError


STRANGE: tuple[Callable[[], object], ...] = (
    chained,
    in_context,
    without_context,
    group,
    noted,
    recurse,
    unprintable,
    lambda: compile("1 +", "x.py", "exec"),
)


def caught(fail: Callable[[], object]) -> BaseException:
    try:
        fail()
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    raise AssertionError("it raised nothing")


@pytest.mark.parametrize("fail", STRANGE)
def test_the_text_equals_pythons_traceback(fail: Callable[[], object]) -> None:
    error = caught(fail)
    told = ExceptionSnapshot(error, error.__traceback__)
    assert told.text() == "".join(traceback.format_exception(error))


def test_a_missing_exception_has_the_text_that_python_prints() -> None:
    assert ExceptionSnapshot(None, None).text() == "NoneType: None\n"


class Large:
    """A local variable."""


def test_a_snapshot_keeps_no_local_variable_alive() -> None:
    seen: list[weakref.ref[Large]] = []

    def fail() -> None:
        large = Large()
        seen.append(weakref.ref(large))
        chained()

    error = caught(fail)
    told = ExceptionSnapshot(error, error.__traceback__)
    assert seen[0]() is not None
    del error
    gc.collect()
    assert seen[0]() is None
    assert told.text().endswith("KeyError: 'y'\n")


def test_a_deep_recursion_keeps_64_frames_and_abbreviates_the_text() -> None:
    error = caught(recurse)
    told = ExceptionSnapshot(error, error.__traceback__)
    assert "[Previous line repeated" in told.text()
    assert len(told.text()) < 2_000
    assert [each.name for each in told.exception.stack] == ["recurse"] * 64
