"""Documents stay within the API's limits, whatever the size, depth or type of what a handler sets."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from flask_onetrace import telemetry
from tests.telemetry.backends import FakeBackends, eventually
from tests.telemetry.segments import get_trace_id, parents, segment_of, validate, walk

LARGEST = 65_507 - len(b'{"format":"json","version":1}\n')

tracer = trace.get_tracer("test")


def test_names_keys_and_values_are_sanitized_for_the_api(app: Flask, backends: FakeBackends) -> None:
    @app.get("/strange")
    def strange() -> str:
        with telemetry.span("größer; <b>\n" + "x" * 300) as span:
            telemetry.annotate(**{"a key-é": "y" * 2_000, "": float("nan"), "big": 2**80, "list": [1]})  # type: ignore[arg-type]  # as untyped code may pass
            span.set_attribute("client.plan", "free")
        return "ok"

    [child] = segment_of(backends, get_trace_id(app, "/strange"))["subsegments"]
    assert child["name"].startswith("größer bxxx")
    assert len(child["name"]) == 200
    assert child["annotations"] == {"a_key__": "y" * 1000, "_": "nan", "big": str(2**80), "list": "[1]"}
    assert child["metadata"] == {"default": {"client.plan": "free"}}


def test_annotations_beyond_fifty_per_trace_become_metadata(app: Flask, backends: FakeBackends) -> None:
    @app.get("/many")
    def many() -> str:
        for part in range(3):
            with telemetry.span(f"part {part}"):
                telemetry.annotate(**{f"key_{part}_{number}": number for number in range(20)})
        return "ok"

    nodes = list(walk([segment_of(backends, get_trace_id(app, "/many"))]))
    assert sum(len(node.get("annotations", {})) for node in nodes) == 50
    [last] = [node for node in nodes if node["name"] == "part 2"]
    assert last["metadata"]["default"] == {f"key_2_{number}": number for number in range(10, 20)}


@pytest.mark.parametrize("count", [400, 1_200])
def test_a_trace_split_over_several_documents_keeps_its_tree(count: int, app: Flask, backends: FakeBackends) -> None:
    parent_ids: dict[str, str | None] = {}

    @app.get("/wide")
    def wide() -> str:
        for number in range(count // 4):
            with telemetry.span(f"parent {number}", padding="p" * 500) as parent:
                for each in range(3):
                    with telemetry.span(f"child {each}", padding="p" * 100) as child:
                        parent_ids[hex_id(child)] = hex_id(parent)
                parent_ids[hex_id(parent)] = hex_id(trace.get_current_span(telemetry.current_scope().context()))  # type: ignore[union-attr]  # a request has a scope
        return "ok"

    def complete() -> bool:
        return len(list(walk(backends.segments_of(trace_id)))) > count

    trace_id = get_trace_id(app, "/wide")
    documents = eventually(lambda: backends.segments_of(trace_id) if complete() else [], 2)
    assert all(len(json.dumps(each, separators=(",", ":"))) <= LARGEST for each in documents)
    for each in documents:
        validate(each)
    [root] = [each["id"] for each in documents if "type" not in each]
    assert parents(documents) == {root: None, **parent_ids}


def hex_id(span: trace.Span) -> str:
    return f"{span.get_span_context().span_id:016x}"


def test_deeply_nested_spans_are_all_exported(app: Flask, backends: FakeBackends) -> None:
    def descend(depth: int) -> None:
        if depth:
            with telemetry.span(f"level {depth}"):
                descend(depth - 1)

    @app.get("/deep")
    def deep() -> str:
        descend(150)
        return "ok"

    trace_id = get_trace_id(app, "/deep")
    documents = eventually(lambda: backends.segments_of(trace_id), 4)
    parent_ids = parents(documents)
    names = {node["id"]: node["name"] for node in walk(documents)}
    [deepest] = [each for each, name in names.items() if name == "level 1"]
    path = [deepest]
    while (parent := parent_ids[path[-1]]) is not None:
        path.append(parent)
    assert [names[each] for each in path] == [*(f"level {level}" for level in range(1, 151)), "Backend-Flask"]


def test_an_oversized_value_is_dropped_and_everything_else_stays(app: Flask, backends: FakeBackends) -> None:
    @app.get("/enormous")
    def enormous() -> str:
        with xray_recorder.in_subsegment("inner") as subsegment:
            subsegment.put_metadata("huge", {str(number): "\x01" * 8_000 for number in range(16)}, "space")
            subsegment.put_metadata("small", 1, "space")
            subsegment.put_annotation("kept", "yes")
        xray_recorder.put_metadata("huge", ["\x01" * 8_000] * 16)  # six bytes each in JSON
        return "ok"

    trace_id = get_trace_id(app, "/enormous")
    segment = segment_of(backends, trace_id)
    assert segment["metadata"] == {"default": {}, "telemetry": {"left_out": ["metadata default.huge"]}}
    [inner] = segment["subsegments"]
    assert inner["metadata"] == {"space": {"small": 1}, "telemetry": {"left_out": ["metadata space.huge"]}}
    assert inner["annotations"] == {"kept": "yes"}


class Hostile:
    def __str__(self) -> str:
        raise RuntimeError("not even this")

    __repr__ = __str__


def cycle() -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    mapping["self"] = mapping
    return mapping


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"nan": math.nan, "inf": math.inf}, {"nan": None, "inf": None}),
        ({b"key": b"bytes"}, {"b'key'": "b'bytes'"}),
        ("lone \udc80 surrogate", "lone ? surrogate"),
        (2**100, str(2**100)),
        ({1}, [1]),
        (SimpleNamespace(a=1, _b=2), {"a": 1}),
        (Hostile(), "(could not be read)"),
        (Hostile, f"<class '{__name__}.Hostile'>"),
        ({(1, 2): math.nan}, {"(1, 2)": None}),
    ],
)
def test_a_value_that_is_not_json_serializable_is_converted(
    value: object, expected: object, app: Flask, backends: FakeBackends
) -> None:
    @app.get("/value")
    def set_metadata() -> str:
        xray_recorder.put_metadata("value", value)
        return "ok"

    assert segment_of(backends, get_trace_id(app, "/value"))["metadata"] == {"default": {"value": expected}}


def test_a_cyclic_value_does_not_lose_the_document(app: Flask, backends: FakeBackends) -> None:
    @app.get("/cycle")
    def set_metadata() -> str:
        xray_recorder.put_metadata("value", cycle())
        return "ok"

    metadata = segment_of(backends, get_trace_id(app, "/cycle"))["metadata"]["default"]
    assert '{"self": "\\u2026"}' in json.dumps(metadata)


def test_metadata_with_very_many_namespaces_is_left_out_and_stops_nothing(app: Flask, backends: FakeBackends) -> None:
    @app.get("/namespaces")
    def put_namespaces() -> str:
        with xray_recorder.in_subsegment("inner") as subsegment:
            for number in range(1_000):
                subsegment.put_metadata("key", number, f"{number:0250}")
        return "ok"

    @app.get("/good")
    def good() -> str:
        return "ok"

    odd, after = get_trace_id(app, "/namespaces"), get_trace_id(app, "/good")
    assert len(eventually(lambda: backends.segments_of(after), 1)) == 1
    nodes = list(walk(eventually(lambda: backends.segments_of(odd), 1)))
    assert {node["name"] for node in nodes} >= {"inner"}
