"""An `ExceptionSnapshot` has the text of Python's traceback and keeps no frame alive."""

from __future__ import annotations

import gc
import traceback
import weakref
from collections.abc import Callable
from typing import NoReturn

import pytest

from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot


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


FAILURES: tuple[Callable[[], object], ...] = (
    chained,
    in_context,
    without_context,
    group,
    noted,
    recurse,
    unprintable,
    lambda: compile("1 +", "x.py", "exec"),
)


def catch(fail: Callable[[], object]) -> BaseException:
    try:
        fail()
    except Exception as error:  # noqa: BLE001 - any exception
        return error
    raise AssertionError("it raised nothing")


@pytest.mark.parametrize("fail", FAILURES)
def test_the_text_equals_pythons_traceback(fail: Callable[[], object]) -> None:
    error = catch(fail)
    snapshot = ExceptionSnapshot(error, error.__traceback__)
    assert snapshot.text() == "".join(traceback.format_exception(error))


def test_a_missing_exception_has_the_text_that_python_prints() -> None:
    assert ExceptionSnapshot(None, None).text() == "NoneType: None\n"


class Large:
    """A local variable."""


def test_a_snapshot_keeps_no_local_variable_alive() -> None:
    refs: list[weakref.ref[Large]] = []

    def fail() -> None:
        large = Large()
        refs.append(weakref.ref(large))
        chained()

    error = catch(fail)
    snapshot = ExceptionSnapshot(error, error.__traceback__)
    assert refs[0]() is not None
    del error
    gc.collect()
    assert refs[0]() is None
    assert snapshot.text().endswith("KeyError: 'y'\n")


def test_a_deep_recursion_keeps_64_frames_and_abbreviates_the_text() -> None:
    error = catch(recurse)
    snapshot = ExceptionSnapshot(error, error.__traceback__)
    assert "[Previous line repeated" in snapshot.text()
    assert len(snapshot.text()) < 2_000
    assert [each.name for each in snapshot.exception.stack] == ["recurse"] * 64
