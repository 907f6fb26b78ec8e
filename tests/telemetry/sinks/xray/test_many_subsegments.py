"""The memory of a request with very many spans is linear in them, and within the bounds of the queues."""

from __future__ import annotations

import tracemalloc

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from flask_onetrace import telemetry
from tests.telemetry.backends import FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.tracing import flush

MIB = 1024 * 1024


@pytest.fixture
def sinks_app(make_app: AppFactory, backends: FakeBackends) -> Flask:
    environment = {**backends.honeycomb, **backends.xray, "LOG_CONSOLE": "false"}
    return make_app(environment)


@pytest.mark.parametrize("is_nested", [False, True])
@pytest.mark.parametrize(("count", "limit"), [(5_000, 60), (20_000, 160)])
def test_the_memory_of_many_empty_subsegments_is_bounded(
    *, count: int, limit: int, is_nested: bool, sinks_app: Flask
) -> None:
    @sinks_app.get("/many")
    def many() -> str:
        if is_nested:
            with xray_recorder.in_subsegment("outer"):
                begin_many()
        else:
            begin_many()
        return ""

    def begin_many() -> None:
        for number in range(count):
            if number % 2:
                with xray_recorder.in_subsegment("empty"):
                    pass
            else:
                trace.get_tracer("shop").start_span("empty").end()

    client = sinks_app.test_client()
    client.get("/api/health-check", buffered=True)
    tracemalloc.start()
    try:
        assert client.get("/many", buffered=True).status_code == 200
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < limit * MIB
    flush(sinks_app)


def test_a_long_job_keeps_no_annotations_of_spans_that_were_sent(sinks_app: Flask, backends: FakeBackends) -> None:
    with telemetry.job("long"):
        scope, digits = telemetry.current_scope(), telemetry.trace_id() or ""
        for number in range(3_000):
            with telemetry.span("step"):
                telemetry.annotate(number=number)
        assert scope is not None
        assert len(scope.annotations) < 2_000
    flush(sinks_app)
    assert backends.segments_of(digits)[0]["annotations"]["number"] >= 1_000
