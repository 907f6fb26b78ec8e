"""Code written for the X-Ray SDK works inside a handler, leaves nothing behind, and costs nothing where unused."""

from __future__ import annotations

import asyncio
from threading import Thread

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from service import telemetry
from tests.telemetry.backends import Observatory, eventually
from tests.telemetry.segments import ask, segment_of, walk

tracer = trace.get_tracer("test")


def test_a_subsegment_holds_all_that_the_sdk_lets_one_say(app: Flask, observatory: Observatory) -> None:
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

    trace_id = ask(app, "/all")
    [child] = segment_of(observatory, trace_id)["subsegments"]
    assert child["annotations"] == {"rows": 3}
    assert child["metadata"] == {"default": {"plan": {"cost": 1.5}}}
    assert child["http"]["response"] == {"status": 404}
    assert len(child["http"]["request"]["url"]) == 250
    assert (child["namespace"], child["error"]) == ("remote", True)
    assert (child["sql"]["sanitized_query"], len(child["sql"]["user"])) == ("SELECT ?", 250)
    assert child["aws"] == {"operation": "Query", "table_name": "t"}
    [span] = [each for each in eventually(lambda: observatory.spans(trace_id), 2) if each["name"] == "database"]
    assert (span["kind"], span["attributes"]["rows"]) == ("client", 3)


def test_annotations_of_the_segment_and_attributes_of_the_span_stay_side_by_side(
    app: Flask, observatory: Observatory
) -> None:
    @app.get("/both")
    def both() -> str:
        trace.get_current_span().set_attribute("plain", "otel")
        telemetry.annotate(searchable=1)
        xray_recorder.put_annotation("plan", "free")
        xray_recorder.put_metadata("cart", [1, 2])
        return "ok"

    segment = segment_of(observatory, ask(app, "/both"))
    assert segment["annotations"] == {"searchable": 1, "plan": "free"}
    assert segment["metadata"] == {"default": {"plain": "otel", "cart": [1, 2]}}


def test_an_exception_in_a_subsegment_is_seen_in_both(app: Flask, observatory: Observatory) -> None:
    @app.get("/risky")
    def risky() -> str:
        with pytest.raises(ValueError, match="hot"), xray_recorder.in_subsegment("risky"):
            raise ValueError("too hot \udc80" + "x" * 5_000)
        return "ok"

    trace_id = ask(app, "/risky")
    [child] = segment_of(observatory, trace_id)["subsegments"]
    [exception] = child["cause"]["exceptions"]
    assert (child["fault"], exception["type"], len(exception["message"])) == (True, "ValueError", 2_000)
    [span] = [each for each in eventually(lambda: observatory.spans(trace_id), 2) if each["name"] == "risky"]
    assert (span["status"]["code"], span["events"][0]["attributes"]["exception.type"]) == ("error", "ValueError")


def test_a_thread_goes_on_where_the_sdks_guide_says(app: Flask, observatory: Observatory) -> None:
    @app.get("/thread")
    def threaded() -> str:
        def work(entity: object) -> None:
            xray_recorder.set_trace_entity(entity)
            with xray_recorder.in_subsegment("beside"), tracer.start_as_current_span("within"):
                pass
            xray_recorder.clear_trace_entities()
            left.append(telemetry.current_scope())

        with xray_recorder.in_subsegment("outer"):
            for entity in (xray_recorder.get_trace_entity(), xray_recorder.current_segment()):
                thread = Thread(target=work, args=(entity,))
                thread.start()
                thread.join()
        return "ok"

    left: list[object] = []
    segment = segment_of(observatory, ask(app, "/thread"))
    shape = {node["name"]: [each["name"] for each in node.get("subsegments", ())] for node in walk([segment])}
    assert shape["Backend-Flask"] == ["outer", "beside"]
    assert (shape["outer"], shape["beside"], shape["within"]) == (["beside"], ["within"], [])
    assert left == [None, None]


def test_a_coroutine_is_captured(app: Flask, observatory: Observatory) -> None:
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

    segment = segment_of(observatory, ask(app, "/async"))
    assert [each["name"] for each in segment["subsegments"]] == ["one", "one"]
    assert [[inner["name"] for inner in each["subsegments"]] for each in segment["subsegments"]] == [["inner"]] * 2


def test_a_subsegment_left_open_ends_with_its_request_and_the_next_begins_anew(
    app: Flask, observatory: Observatory
) -> None:
    @app.get("/open")
    def leave_open() -> str:
        xray_recorder.begin_subsegment("first")
        xray_recorder.begin_subsegment("second")
        with tracer.start_as_current_span("inner"):
            return "ok"

    for _ in range(2):
        trace_id = ask(app, "/open")
        segment = segment_of(observatory, trace_id)
        [first] = segment["subsegments"]
        [second] = first["subsegments"]
        assert (first["name"], second["name"], second["subsegments"][0]["name"]) == ("first", "second", "inner")
        assert first["end_time"] <= segment["end_time"]
        assert len(eventually(lambda: observatory.spans(trace_id), 4)) == 4  # noqa: B023 - looked at within the turn


def test_an_end_without_a_begin_and_ends_out_of_order_change_no_answer(app: Flask, observatory: Observatory) -> None:
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

    segment = segment_of(observatory, ask(app, "/order"))
    assert {"first", "between", "second"} < {node["name"] for node in walk([segment])}
    assert segment["annotations"] == {"after": "yes"}


def test_a_segment_begun_by_hand_neither_replaces_nor_ends_the_requests(app: Flask, observatory: Observatory) -> None:
    @app.get("/by-hand")
    def by_hand() -> str:
        with xray_recorder.in_segment("mine"):
            xray_recorder.put_annotation("within", "yes")
        xray_recorder.put_annotation("after", "yes")
        return "ok"

    segment = segment_of(observatory, ask(app, "/by-hand"))
    assert (segment["name"], segment["annotations"]) == ("Backend-Flask", {"within": "yes", "after": "yes"})


def test_a_broken_entity_costs_what_it_held_and_nothing_else(app: Flask, observatory: Observatory) -> None:
    @app.get("/broken")
    def broken() -> str:
        xray_recorder.current_segment().metadata = None
        with telemetry.span("inner"):
            return "ok"

    ids = [ask(app, path) for path in ("/broken", "/api/health-check", "/broken")]
    names = [[child["name"] for child in segment_of(observatory, each).get("subsegments", ())] for each in ids]
    assert names == [["inner"], [], ["inner"]]
