"""The parts of an exception group are in the cause of a segment, beside the group."""

from __future__ import annotations

from typing import NoReturn

import pytest
from flask import Flask
from opentelemetry import trace

from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.segments import get_trace_id, segment_of


def fail(number: int) -> NoReturn:
    raise ValueError(f"part {number}")


def failures(count: int) -> list[Exception]:
    errors: list[Exception] = []
    for number in range(count):
        try:
            fail(number)
        except ValueError as error:
            errors.append(error)
    return errors


def group(count: int) -> ExceptionGroup[Exception]:
    inner = ExceptionGroup("inner", failures(1))
    return ExceptionGroup("outer", [*failures(count), inner])


def shown(exceptions: list[Document]) -> list[tuple[str, str]]:
    return [(each["type"], each["message"]) for each in exceptions]


PARTS = [
    ("ExceptionGroup", "outer (3 sub-exceptions)"),
    ("ValueError", "part 0"),
    ("ValueError", "part 1"),
    ("ExceptionGroup", "inner (1 sub-exception)"),
    ("ValueError", "part 0"),
]


def test_an_unhandled_group_is_shown_with_its_parts(app: Flask, backends: FakeBackends) -> None:
    @app.get("/group")
    def raise_group() -> str:
        raise group(2) from KeyError("cause")

    segment = segment_of(backends, get_trace_id(app, "/group", status=500))
    exceptions = segment["cause"]["exceptions"]
    assert shown(exceptions) == [PARTS[0], ("KeyError", "'cause'"), *PARTS[1:]]
    assert exceptions[0]["cause"] == exceptions[1]["id"]
    assert len({each["id"] for each in exceptions}) == len(exceptions)
    assert [each["stack"][0]["label"] for each in exceptions if each["message"].startswith("part")] == ["fail"] * 3


def test_a_recorded_group_is_shown_with_its_parts(app: Flask, backends: FakeBackends) -> None:
    @app.get("/recorded")
    def record() -> str:
        with trace.get_tracer("shop").start_as_current_span("inner") as span:
            span.record_exception(group(2))
        return ""

    [subsegment] = segment_of(backends, get_trace_id(app, "/recorded"))["subsegments"]
    assert shown(subsegment["cause"]["exceptions"]) == PARTS


@pytest.mark.parametrize("count", [100, 10_000])
def test_a_large_group_is_shown_in_part(count: int, app: Flask, backends: FakeBackends) -> None:
    @app.get("/large")
    def raise_group() -> str:
        raise group(count)

    segment = segment_of(backends, get_trace_id(app, "/large", status=500))
    assert 10 <= len(segment["cause"]["exceptions"]) <= 20
