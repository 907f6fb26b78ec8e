"""The X-Ray SDK's recorder within a handler: subsegments, annotations, threads, coroutines and misuse."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from flask_onetrace import telemetry
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.segments import get_trace_id, segment_of, walk

tracer = trace.get_tracer("test")


def test_a_subsegment_exports_all_data_set_through_the_sdk(app: Flask, backends: FakeBackends) -> None:
    @app.get("/all")
    def everything() -> str:
        subsegment = xray_recorder.begin_subsegment("database", namespace="remote")
        subsegment.put_annotation("rows", 3)
        subsegment.put_metadata("plan", {"cost": 1.5})
        subsegment.put_http_meta("url", "https://db.example/" + "x" * 300)
        subsegment.put_http_meta("status", 404)
        subsegment.set_sql({"sanitized_query": "SELECT ?", "user": "u" * 300})
        subsegment.set_aws({"operation": "Query", "table_name": "t"})
        xray_recorder.end_subsegment()
        return "ok"

    trace_id = get_trace_id(app, "/all")
    [child] = segment_of(backends, trace_id)["subsegments"]
    assert child["annotations"] == {"rows": 3}
    assert child["metadata"] == {"default": {"plan": {"cost": 1.5}}}
    assert child["http"]["response"] == {"status": 404}
    assert len(child["http"]["request"]["url"]) == 250
    assert (child["namespace"], child["error"]) == ("remote", True)
    assert (child["sql"]["sanitized_query"], len(child["sql"]["user"])) == ("SELECT ?", 250)
    assert child["aws"] == {"operation": "Query", "table_name": "t"}
    [span] = [each for each in eventually(lambda: backends.spans(trace_id), 2) if each["name"] == "database"]
    assert (span["kind"], span["attributes"]["rows"]) == ("client", 3)


def test_segment_annotations_and_span_attributes_are_merged(app: Flask, backends: FakeBackends) -> None:
    @app.get("/both")
    def both() -> str:
        trace.get_current_span().set_attribute("plain", "otel")
        telemetry.annotate(searchable=1)
        xray_recorder.put_annotation("plan", "free")
        xray_recorder.put_metadata("cart", [1, 2])
        return "ok"

    segment = segment_of(backends, get_trace_id(app, "/both"))
    assert segment["annotations"] == {"searchable": 1, "plan": "free"}
    assert segment["metadata"] == {"default": {"plain": "otel", "cart": [1, 2]}}


def test_an_exception_in_a_subsegment_is_exported_to_both_back_ends(app: Flask, backends: FakeBackends) -> None:
    @app.get("/risky")
    def risky() -> str:
        with pytest.raises(ValueError, match="hot"), xray_recorder.in_subsegment("risky"):
            raise ValueError("too hot \udc80" + "x" * 5_000)
        return "ok"

    trace_id = get_trace_id(app, "/risky")
    [child] = segment_of(backends, trace_id)["subsegments"]
    [exception] = child["cause"]["exceptions"]
    assert (child["fault"], exception["type"], len(exception["message"])) == (True, "ValueError", 2_000)
    [span] = [each for each in eventually(lambda: backends.spans(trace_id), 2) if each["name"] == "risky"]
    assert (span["status"]["code"], span["events"][0]["attributes"]["exception.type"]) == ("error", "ValueError")


def test_a_thread_continues_from_the_trace_entity_it_sets(app: Flask, backends: FakeBackends) -> None:
    @app.get("/thread")
    def threaded() -> str:
        def work(entity: object) -> None:
            before = telemetry.current_scope()
            xray_recorder.set_trace_entity(entity)
            with xray_recorder.in_subsegment("beside"), tracer.start_as_current_span("within"):
                pass
            xray_recorder.clear_trace_entities()
            restored.append(telemetry.current_scope() is before)

        with xray_recorder.in_subsegment("outer"):
            for entity in (xray_recorder.get_trace_entity(), xray_recorder.current_segment()):
                thread = Thread(target=work, args=(entity,))
                thread.start()
                thread.join()
        return "ok"

    restored: list[bool] = []
    segment = segment_of(backends, get_trace_id(app, "/thread"))
    shape = {node["name"]: [each["name"] for each in node.get("subsegments", ())] for node in walk([segment])}
    assert shape["Backend-Flask"] == ["outer", "beside"]
    assert (shape["outer"], shape["beside"], shape["within"]) == (["beside"], ["within"], [])
    assert restored == [True, True]


def test_a_coroutine_is_captured(app: Flask, backends: FakeBackends) -> None:
    @xray_recorder.capture_async("one")  # type: ignore[untyped-decorator]  # the SDK publishes no types
    async def one() -> None:
        async with xray_recorder.in_subsegment_async("inner"):
            await asyncio.sleep(0)

    @app.get("/async")
    def asynchronous() -> str:
        async def both() -> None:
            await asyncio.gather(one(), one())

        asyncio.run(both())
        return "ok"

    segment = segment_of(backends, get_trace_id(app, "/async"))
    assert [each["name"] for each in segment["subsegments"]] == ["one", "one"]
    assert [[inner["name"] for inner in each["subsegments"]] for each in segment["subsegments"]] == [["inner"]] * 2


def test_open_subsegments_end_with_their_request(app: Flask, backends: FakeBackends) -> None:
    @app.get("/open")
    def leave_open() -> str:
        xray_recorder.begin_subsegment("first")
        xray_recorder.begin_subsegment("second")
        with tracer.start_as_current_span("inner"):
            return "ok"

    for _ in range(2):
        trace_id = get_trace_id(app, "/open")
        segment = segment_of(backends, trace_id)
        [first] = segment["subsegments"]
        [second] = first["subsegments"]
        assert (first["name"], second["name"], second["subsegments"][0]["name"]) == ("first", "second", "inner")
        assert first["end_time"] <= segment["end_time"]
        assert len(eventually(lambda: backends.spans(trace_id), 4)) == 4  # noqa: B023 - called within the iteration


def test_unbalanced_subsegment_calls_do_not_change_the_response(app: Flask, backends: FakeBackends) -> None:
    @app.get("/order")
    def out_of_order() -> str:
        xray_recorder.end_subsegment()
        xray_recorder.begin_subsegment("first")
        with tracer.start_as_current_span("between"):
            xray_recorder.end_subsegment()
        xray_recorder.put_annotation("after", "yes")
        with xray_recorder.in_subsegment("second"):
            pass
        xray_recorder.end_subsegment()
        return "ok"

    segment = segment_of(backends, get_trace_id(app, "/order"))
    assert {"first", "between", "second"} < {node["name"] for node in walk([segment])}
    assert segment["annotations"] == {"after": "yes"}


def test_a_manual_segment_neither_replaces_nor_ends_the_requests_segment(app: Flask, backends: FakeBackends) -> None:
    @app.get("/by-hand")
    def by_hand() -> str:
        with xray_recorder.in_segment("mine"):
            xray_recorder.put_annotation("within", "yes")
        xray_recorder.put_annotation("after", "yes")
        return "ok"

    segment = segment_of(backends, get_trace_id(app, "/by-hand"))
    assert (segment["name"], segment["annotations"]) == ("Backend-Flask", {"within": "yes", "after": "yes"})


def test_a_broken_entity_loses_only_its_own_data(app: Flask, backends: FakeBackends) -> None:
    @app.get("/broken")
    def broken() -> str:
        xray_recorder.current_segment().metadata = None
        with telemetry.span("inner"):
            return "ok"

    ids = [get_trace_id(app, path) for path in ("/broken", "/api/health-check", "/broken")]
    names = [[child["name"] for child in segment_of(backends, each).get("subsegments", ())] for each in ids]
    assert names == [["inner"], [], ["inner"]]
