"""Segment documents conform to AWS's schema and describe requests, exceptions and spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NoReturn

import pytest
import requests
from flask import Flask, Response, abort, stream_with_context
from opentelemetry import context as otel_context
from opentelemetry import trace

from flask_onetrace import telemetry
from local.fakes.server import LocalServer
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id, segment_of, validate

tracer = trace.get_tracer("test")


def test_a_segment_names_its_origin_version_and_log_group(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.environment, "SERVICE_VERSION": "1.2.3"})
    segment = segment_of(backends, get_trace_id(app, "/api/health-check", headers={"X-Forwarded-For": "203.0.113.7"}))
    assert segment["name"] == "Backend-Flask"
    assert segment["origin"] == "AWS::ECS::Fargate"
    assert segment["service"]["version"] == "1.2.3"
    assert segment["aws"]["ecs"]["container"]
    assert segment["aws"]["cloudwatch_logs"] == [{"log_group": "Cruddur-Backend-Flask"}]
    assert segment["http"]["request"]["client_ip"] == "203.0.113.7"
    assert segment["http"]["request"]["x_forwarded_for"] is True
    assert segment["http"]["response"]["content_length"] > 0
    assert not {"fault", "error", "throttle", "cause"} & segment.keys()


@pytest.mark.parametrize("port", [{"http": 80}, [80, 81], "80", 80.5, True])
def test_a_port_of_an_unexpected_type_does_not_lose_the_segment(port: Any, app: Flask, backends: FakeBackends) -> None:  # noqa: ANN401 - any type
    @app.get("/call")
    def call() -> str:
        attributes = {"server.address": "example.com", "server.port": port, "url.path": "/"}
        with tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT, attributes=attributes):
            return "ok"

    [subsegment] = segment_of(backends, get_trace_id(app, "/call"))["subsegments"]
    assert subsegment["http"]["request"]["url"].startswith("http://example.com")


@pytest.mark.parametrize(
    ("path", "status", "flags"),
    [
        ("/api/activities/home", 200, set()),
        ("/api/activities/@w%C3%B6rf%20%E2%9C%93", 200, set()),
        ("/nope?q=1", 404, {"error"}),
        ("/api/activities/search", 422, {"error"}),
        ("/busy", 429, {"error", "throttle"}),
        ("/broken", 503, {"fault"}),
        ("/" + "x" * 5_000, 404, {"error"}),
    ],
)
def test_a_status_code_maps_to_error_throttle_or_fault(
    path: str, status: int, flags: set[str], app: Flask, backends: FakeBackends
) -> None:
    app.add_url_rule("/busy", "busy", lambda: abort(429))
    app.add_url_rule("/broken", "broken", lambda: abort(503))
    segment = segment_of(backends, get_trace_id(app, path, status, {"User-Agent": "agent" * 100}))
    assert {"fault", "error", "throttle"} & segment.keys() == flags
    assert segment["http"]["response"]["status"] == status
    assert all(len(value) <= 250 for value in segment["http"]["request"].values() if isinstance(value, str))


def test_a_cause_holds_the_whole_exception_chain_with_its_frames(app: Flask, backends: FakeBackends) -> None:
    @app.get("/chained")
    def chained() -> NoReturn:
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("worse") from error
        raise AssertionError("int() took it")

    segment = segment_of(backends, get_trace_id(app, "/chained", 500))
    outer, inner = segment["cause"]["exceptions"]
    assert (outer["type"], outer["message"], outer["stack"][0]["label"]) == ("RuntimeError", "worse", "chained")
    assert (inner["type"], inner["stack"][0]["label"]) == ("ValueError", "chained")
    assert outer["cause"] == inner["id"] != segment["id"]


def test_an_exception_recorded_on_a_span_holds_the_whole_chain(app: Flask, backends: FakeBackends) -> None:
    @app.get("/caught")
    def caught() -> str:
        with pytest.raises(RuntimeError):
            risky()
        return "ok"

    def risky() -> None:
        with telemetry.span("risky"):
            try:
                int("x")
            except ValueError as error:
                raise RuntimeError("two\nlines") from error
            raise AssertionError("int() took it")

    [failed] = segment_of(backends, get_trace_id(app, "/caught"))["subsegments"]
    outer, inner = failed["cause"]["exceptions"]
    assert failed["fault"] is True
    assert (outer["type"], outer["message"], outer["stack"][0]["label"]) == ("RuntimeError", "two\nlines", "risky")
    assert (inner["type"], inner["message"]) == ("ValueError", "invalid literal for int() with base 10: 'x'")
    assert outer["cause"] == inner["id"]


def test_a_failure_in_a_streamed_body_is_a_fault(app: Flask, backends: FakeBackends) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def produce() -> Iterator[str]:
            yield "first"
            raise OSError("the disk is gone")

        return Response(stream_with_context(produce()))

    with pytest.raises(OSError, match="disk"), app.test_client().get("/stream", buffered=True):
        pass
    [segment] = eventually(lambda: backends.segments, 1)
    validate(segment)
    assert (segment["fault"], segment["cause"]["exceptions"][0]["message"]) == (True, "the disk is gone")


def test_an_outgoing_request_is_a_remote_subsegment_without_its_query(app: Flask, backends: FakeBackends) -> None:
    with closing(LocalServer(Flask("upstream"))) as served:

        @app.get("/caller")
        def caller() -> str:
            return str(requests.get(f"{served.url}/missing?token=sentinel", timeout=60).status_code)

        segment = segment_of(backends, get_trace_id(app, "/caller"))
    [remote] = segment["subsegments"]
    assert (remote["namespace"], remote["name"], remote["error"]) == ("remote", "127.0.0.1", True)
    assert remote["http"]["request"]["url"] == f"{served.url}/missing"
    assert remote["http"]["response"]["status"] == 404
    assert "fault" not in segment


def test_a_root_span_outside_a_request_is_a_segment_of_the_service(app: Flask, backends: FakeBackends) -> None:  # noqa: ARG001 - installs the tracer provider
    with tracer.start_as_current_span("nightly job") as job, tracer.start_as_current_span("step"):
        trace_id = f"{job.get_span_context().trace_id:032x}"
    segment = segment_of(backends, trace_id)
    validate(segment)
    assert (segment["name"], segment["annotations"]) == ("Backend-Flask", {"operation": "nightly job"})
    assert [each["name"] for each in segment["subsegments"]] == ["step"]


def test_a_span_of_another_trace_is_a_segment_of_its_own(app: Flask, backends: FakeBackends) -> None:
    other_traces: list[str] = []

    @app.get("/detached")
    def detached() -> str:
        with tracer.start_as_current_span("own trace", context=otel_context.Context()) as span:
            other_traces.append(f"{span.get_span_context().trace_id:032x}")
        return "ok"

    assert "subsegments" not in segment_of(backends, get_trace_id(app, "/detached"))
    assert segment_of(backends, other_traces[0])["annotations"] == {"operation": "own trace"}


def test_a_server_span_started_by_a_handler_does_not_end_the_request(app: Flask, backends: FakeBackends) -> None:
    @app.get("/in-process")
    def in_process() -> str:
        with tracer.start_as_current_span("served here", kind=trace.SpanKind.SERVER):
            pass
        return "ok"

    documents: list[Document] = segment_of(backends, get_trace_id(app, "/in-process"))["subsegments"]
    assert [each["name"] for each in documents] == ["served here"]


def test_a_segment_has_no_origin_outside_aws(make_app: AppFactory, backends: FakeBackends) -> None:
    app = make_app({**backends.xray, "XRAY_ORIGIN": "", "LOG_CONSOLE": "false"})
    with app.test_client().get("/api/health-check", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    assert "origin" not in segment
    assert "ecs" not in segment["aws"]
