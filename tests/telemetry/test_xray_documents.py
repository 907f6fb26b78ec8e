"""Segment documents hold to AWS's schema and bounds whatever a handler does; a long one is split, never lost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
import requests
from aws_xray_sdk.core import xray_recorder
from flask import Flask, Response, abort, stream_with_context
from opentelemetry import context as otel_context
from opentelemetry import trace

from local.standins.server import Served
from service import telemetry
from tests.telemetry.conftest import AppMaker
from tests.telemetry.observatory import Document, Observatory, eventually
from tests.telemetry.segments import ask, check, parents, segment_of, walk

LARGEST = 65_507 - len(b'{"format":"json","version":1}\n')
tracer = trace.get_tracer("test")


def test_a_segment_says_where_it_ran_and_where_its_logs_are(make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.environment, "SERVICE_VERSION": "1.2.3"})
    segment = segment_of(observatory, ask(app, "/api/health-check", headers={"X-Forwarded-For": "203.0.113.7"}))
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
def test_a_port_of_any_kind_loses_no_segment(port: Any, app: Flask, observatory: Observatory) -> None:  # noqa: ANN401 - whatever a handler sets
    @app.get("/call")
    def call() -> str:
        said = {"server.address": "example.com", "server.port": port, "url.path": "/"}
        with tracer.start_as_current_span("call", kind=trace.SpanKind.CLIENT, attributes=said):
            return "ok"

    [subsegment] = segment_of(observatory, ask(app, "/call"))["subsegments"]
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
def test_a_status_is_what_xray_calls_it(
    path: str, status: int, flags: set[str], app: Flask, observatory: Observatory
) -> None:
    app.add_url_rule("/busy", "busy", lambda: abort(429))
    app.add_url_rule("/broken", "broken", lambda: abort(503))
    segment = segment_of(observatory, ask(app, path, status, {"User-Agent": "agent" * 100}))
    assert {"fault", "error", "throttle"} & segment.keys() == flags
    assert segment["http"]["response"]["status"] == status
    assert all(len(value) <= 250 for value in segment["http"]["request"].values() if isinstance(value, str))


def test_an_exceptions_cause_is_the_whole_chain_with_its_frames(app: Flask, observatory: Observatory) -> None:
    @app.get("/chained")
    def chained() -> NoReturn:
        try:
            int("x")
        except ValueError as error:
            raise RuntimeError("worse") from error
        raise AssertionError("int() took it")

    segment = segment_of(observatory, ask(app, "/chained", 500))
    outer, inner = segment["cause"]["exceptions"]
    assert (outer["type"], outer["message"], outer["stack"][0]["label"]) == ("RuntimeError", "worse", "chained")
    assert (inner["type"], inner["stack"][0]["label"]) == ("ValueError", "chained")
    assert outer["cause"] == inner["id"] != segment["id"]


def test_a_spans_recorded_exception_is_the_whole_chain_too(app: Flask, observatory: Observatory) -> None:
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

    [failed] = segment_of(observatory, ask(app, "/caught"))["subsegments"]
    outer, inner = failed["cause"]["exceptions"]
    assert failed["fault"] is True
    assert (outer["type"], outer["message"], outer["stack"][0]["label"]) == ("RuntimeError", "two\nlines", "risky")
    assert (inner["type"], inner["message"]) == ("ValueError", "invalid literal for int() with base 10: 'x'")
    assert outer["cause"] == inner["id"]


def test_a_streamed_body_that_breaks_is_a_fault(app: Flask, observatory: Observatory) -> None:
    @app.get("/stream")
    def stream() -> Response:
        def produce() -> Iterator[str]:
            yield "first"
            raise OSError("the disk is gone")

        return Response(stream_with_context(produce()))

    with pytest.raises(OSError, match="disk"), app.test_client().get("/stream", buffered=True):
        pass
    [segment] = eventually(lambda: observatory.segments, 1)
    check(segment)
    assert (segment["fault"], segment["cause"]["exceptions"][0]["message"]) == (True, "the disk is gone")


def test_an_outgoing_request_is_remote_and_without_its_query(app: Flask, observatory: Observatory) -> None:
    with closing(Served(Flask("upstream"))) as served:

        @app.get("/caller")
        def caller() -> str:
            return str(requests.get(f"{served.url}/missing?token=sentinel", timeout=5).status_code)

        segment = segment_of(observatory, ask(app, "/caller"))
    [remote] = segment["subsegments"]
    assert (remote["namespace"], remote["name"], remote["error"]) == ("remote", "127.0.0.1", True)
    assert remote["http"]["request"]["url"] == f"{served.url}/missing"
    assert remote["http"]["response"]["status"] == 404
    assert "fault" not in segment


def test_names_keys_and_values_are_brought_into_the_apis_alphabets(app: Flask, observatory: Observatory) -> None:
    @app.get("/strange")
    def strange() -> str:
        with telemetry.span("größer; <b>\n" + "x" * 300) as span:
            telemetry.annotate(**{"a key-é": "y" * 2_000, "": float("nan"), "big": 2**80, "list": [1]})  # type: ignore[arg-type]  # what a careless handler may pass
            span.set_attribute("client.plan", "free")
        return "ok"

    [child] = segment_of(observatory, ask(app, "/strange"))["subsegments"]
    assert child["name"].startswith("größer bxxx")
    assert len(child["name"]) == 200
    assert child["annotations"] == {"a_key__": "y" * 1000, "_": "nan", "big": str(2**80), "list": "[1]"}
    assert child["metadata"] == {"default": {"client.plan": "free"}}


def test_a_trace_has_at_most_fifty_annotations_and_the_rest_is_metadata(app: Flask, observatory: Observatory) -> None:
    @app.get("/many")
    def many() -> str:
        for part in range(3):
            with telemetry.span(f"part {part}"):
                telemetry.annotate(**{f"key_{part}_{number}": number for number in range(20)})
        return "ok"

    nodes = list(walk([segment_of(observatory, ask(app, "/many"))]))
    assert sum(len(node.get("annotations", {})) for node in nodes) == 50
    [last] = [node for node in nodes if node["name"] == "part 2"]
    assert last["metadata"]["default"] == {f"key_2_{number}": number for number in range(10, 20)}


@pytest.mark.parametrize("count", [400, 1_200])
def test_hundreds_of_spans_are_split_and_make_the_same_tree(count: int, app: Flask, observatory: Observatory) -> None:
    made: dict[str, str | None] = {}

    @app.get("/wide")
    def wide() -> str:
        for number in range(count // 4):
            with telemetry.span(f"parent {number}", padding="p" * 500) as parent:
                for each in range(3):
                    with telemetry.span(f"child {each}", padding="p" * 100) as child:
                        made[hex_id(child)] = hex_id(parent)
                made[hex_id(parent)] = hex_id(trace.get_current_span(telemetry.current_scope().context()))  # type: ignore[union-attr]  # there is one in a request
        return "ok"

    def complete() -> bool:
        return len(list(walk(observatory.segments_of(trace_id)))) > count

    trace_id = ask(app, "/wide")
    documents = eventually(lambda: observatory.segments_of(trace_id) if complete() else [], 2)
    assert all(len(json.dumps(each, separators=(",", ":"))) <= LARGEST for each in documents)
    for each in documents:
        check(each)
    [root] = [each["id"] for each in documents if "type" not in each]
    assert parents(documents) == {root: None, **made}


def hex_id(span: trace.Span) -> str:
    return f"{span.get_span_context().span_id:016x}"


def test_spans_nested_deeper_than_a_parser_goes_are_all_there(app: Flask, observatory: Observatory) -> None:
    def descend(depth: int) -> None:
        if depth:
            with telemetry.span(f"level {depth}"):
                descend(depth - 1)

    @app.get("/deep")
    def deep() -> str:
        descend(150)
        return "ok"

    trace_id = ask(app, "/deep")
    documents = eventually(lambda: observatory.segments_of(trace_id), 4)
    above = parents(documents)
    names = {node["id"]: node["name"] for node in walk(documents)}
    [deepest] = [each for each, name in names.items() if name == "level 1"]
    path = [deepest]
    while (parent := above[path[-1]]) is not None:
        path.append(parent)
    assert [names[each] for each in path] == [*(f"level {level}" for level in range(1, 151)), "Backend-Flask"]


def test_an_enormous_value_goes_and_everything_else_stays(app: Flask, observatory: Observatory) -> None:
    @app.get("/enormous")
    def enormous() -> str:
        with xray_recorder.in_subsegment("inner") as subsegment:
            subsegment.put_metadata("huge", "é" * 500_000, "space")
            subsegment.put_metadata("small", 1, "space")
            subsegment.put_annotation("kept", "yes")
        xray_recorder.put_metadata("huge", ["x"] * 100_000)
        return "ok"

    trace_id = ask(app, "/enormous")
    segment = segment_of(observatory, trace_id)
    assert segment["metadata"] == {"default": {}, "telemetry": {"left_out": ["metadata default.huge"]}}
    [inner] = segment["subsegments"]
    assert inner["metadata"] == {"space": {"small": 1}, "telemetry": {"left_out": ["metadata space.huge"]}}
    assert inner["annotations"] == {"kept": "yes"}


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


def cycle() -> dict[str, Any]:
    made: dict[str, Any] = {}
    made["self"] = made
    return made


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"nan": math.nan, "inf": math.inf}, {"nan": None, "inf": None}),
        ({b"key": b"bytes"}, {"b'key'": "b'bytes'"}),
        ("lone \udc80 surrogate", "lone ? surrogate"),
        (2**100, str(2**100)),
        ({1}, [1]),
        (SimpleNamespace(a=1, _b=2), {"a": 1}),
        (Hostile(), "(could not be read)"),
        (Hostile, "<class 'tests.telemetry.test_xray_documents.Hostile'>"),
        ({(1, 2): math.nan}, {"(1, 2)": "nan"}),
    ],
)
def test_what_json_has_no_word_for_never_loses_the_document(
    value: object, shown: object, app: Flask, observatory: Observatory
) -> None:
    @app.get("/value")
    def put() -> str:
        xray_recorder.put_metadata("value", value)
        return "ok"

    assert segment_of(observatory, ask(app, "/value"))["metadata"] == {"default": {"value": shown}}


def test_a_value_that_holds_itself_never_loses_the_document(app: Flask, observatory: Observatory) -> None:
    @app.get("/cycle")
    def put() -> str:
        xray_recorder.put_metadata("value", cycle())
        return "ok"

    assert "nested too deep" in json.dumps(segment_of(observatory, ask(app, "/cycle")))


def test_a_job_outside_any_request_is_a_segment_of_the_service(app: Flask, observatory: Observatory) -> None:  # noqa: ARG001 - the doors are open
    with tracer.start_as_current_span("nightly job") as job, tracer.start_as_current_span("step"):
        trace_id = f"{job.get_span_context().trace_id:032x}"
    documents = eventually(lambda: observatory.segments_of(trace_id), 2)
    for each in documents:
        check(each)
    segment, step = sorted(documents, key=lambda each: "type" in each)
    assert (segment["name"], segment["annotations"]) == ("Backend-Flask", {"operation": "nightly job"})
    assert (step["name"], step["parent_id"]) == ("step", segment["id"])


def test_a_span_of_another_trace_is_not_put_into_the_requests_segment(app: Flask, observatory: Observatory) -> None:
    others: list[str] = []

    @app.get("/detached")
    def detached() -> str:
        with tracer.start_as_current_span("own trace", context=otel_context.Context()) as span:
            others.append(f"{span.get_span_context().trace_id:032x}")
        return "ok"

    assert "subsegments" not in segment_of(observatory, ask(app, "/detached"))
    assert segment_of(observatory, others[0])["annotations"] == {"operation": "own trace"}


def test_a_server_span_of_the_handlers_own_does_not_end_the_request(app: Flask, observatory: Observatory) -> None:
    @app.get("/in-process")
    def in_process() -> str:
        with tracer.start_as_current_span("served here", kind=trace.SpanKind.SERVER):
            pass
        return "ok"

    documents: list[Document] = segment_of(observatory, ask(app, "/in-process"))["subsegments"]
    assert [each["name"] for each in documents] == ["served here"]


def test_outside_aws_a_segment_claims_no_origin(make_app: AppMaker, observatory: Observatory) -> None:
    app = make_app({**observatory.xray, "XRAY_ORIGIN": "", "LOG_CONSOLE": "false"})
    with app.test_client().get("/api/health-check", buffered=True) as response:
        trace_id = response.headers["X-Trace-Id"]
    [segment] = eventually(lambda: observatory.segments_of(trace_id), 1)
    assert "origin" not in segment
    assert "ecs" not in segment["aws"]
