"""The deployed groups match exactly the service's segments of their kind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from infra.xray import GROUPS, load
from local.emulator.xray.filter_expressions import compile_filter
from local.emulator.xray.trace_view import TraceView
from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.segments import get_trace_id, segment_of

Mutation = Callable[[Document], Document]


def unchanged(segment: Document) -> Document:
    return segment


def two_seconds_long(segment: Document) -> Document:
    return segment | {"end_time": segment["start_time"] + 2.0}


def of_another_service(segment: Document) -> Document:
    return two_seconds_long(segment) | {"name": "Somebody-Else"}


HOME, FAULT, NOT_FOUND = ("/api/activities/home", 200), ("/api/fault", 500), ("/api/nowhere", 404)


@pytest.mark.parametrize(
    ("path_and_status", "mutate", "groups"),
    [
        (HOME, unchanged, {"Cruddur"}),
        (HOME, two_seconds_long, {"Cruddur", "Cruddur-Slow"}),
        (FAULT, unchanged, {"Cruddur", "Cruddur-Faults"}),
        (NOT_FOUND, unchanged, {"Cruddur"}),
        (FAULT, of_another_service, set()),
    ],
)
def test_a_trace_matches_exactly_the_groups_of_its_kind(
    path_and_status: tuple[str, int], mutate: Mutation, groups: set[str], app: Flask, backends: FakeBackends
) -> None:
    segment = mutate(segment_of(backends, get_trace_id(app, *path_and_status)))
    view = TraceView(segment["trace_id"], (segment,))
    declarations = [load(file) for file in GROUPS]
    assert {each["GroupName"] for each in declarations if compile_filter(each["FilterExpression"], {})(view)} == groups
