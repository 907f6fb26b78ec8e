"""OTLP JSON and X-Ray JSON: what is exported is valid where it would be sent, and imported as it was."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from local.emulator.xray.segment_documents import parse
from local.fakes.honeycomb.otlp import JSON, read_spans
from operations.errors import OperatorError
from operations.traces import otlp, xray_export
from operations.traces.document import Json, Place
from operations.traces.export import exported
from operations.traces.imports import MAX_BYTES, MAX_TRACES, ImportedTraces, imported, imported_document
from operations.traces.records import spans
from operations.traces.tree import rendered
from tests.operations.traces.examples import ROOT, SEGMENTS, SPANS, TRACE, WHOLE, XRAY, span, trace_of
from tests.operations.traces.values import mutated, value


def test_spans_are_exported_as_otlp_and_imported_as_they_were() -> None:
    export = exported(trace_of(WHOLE), "otlp")

    [trace] = imported(json.dumps(export))

    assert (trace.trace_id, trace.places[Place.HONEYCOMB].items) == (TRACE, SPANS)
    assert trace.request is not None
    assert (trace.request.path, trace.request.status, trace.request.user) == ("/orders/7", 500, "bob")
    assert trace.places[Place.XRAY].absence is not None


def test_an_export_is_one_that_the_fake_and_protocol_buffers_accept() -> None:
    export = json.dumps(exported(trace_of(WHOLE), "otlp"))

    message = Parse(_with_base64_ids(export), ExportTraceServiceRequest())
    [resource] = message.resource_spans
    [scope] = resource.scope_spans
    assert [each.name for each in scope.spans] == ["GET /orders/<id>", "SELECT orders"]
    assert scope.spans[0].trace_id.hex() == TRACE
    assert read_spans(export.encode(), JSON) == SPANS


def _with_base64_ids(export: str) -> str:
    """Return the export with ids as Protocol Buffers' own JSON has them: OTLP's are hexadecimal."""
    document = json.loads(export)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for each in scope["spans"]:
                for name in {"traceId", "spanId", "parentSpanId"} & each.keys():
                    each[name] = base64.b64encode(bytes.fromhex(each[name])).decode()
    return json.dumps(document)


def test_attributes_of_any_value_are_exported_as_protocol_buffers_reads_them() -> None:
    chance = random.Random(1)
    for _ in range(500):
        attributes = {f"a{number}": value(chance) for number in range(5)}
        export = otlp.export_of(spans([span(ROOT, None, "s", at=0, ms=1, attributes=attributes)]))
        Parse(_with_base64_ids(json.dumps(export)), ExportTraceServiceRequest())


def test_segments_are_exported_as_documents_that_x_ray_accepts() -> None:
    documents = exported(trace_of(WHOLE), "xray")

    assert documents == SEGMENTS
    assert xray_export.segments_of(documents) == SEGMENTS


def test_a_segment_too_long_for_one_document_is_split_and_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    subsegments = [
        {
            "name": f"call {number}",
            "id": f"{number:016x}",
            "start_time": 1.0,
            "end_time": 2.0,
            "metadata": {"x": {"y": "z" * 9000}},
        }
        for number in range(20)
    ]
    segment = {**SEGMENTS[0], "subsegments": subsegments}
    monkeypatch.setattr("local.emulator.xray.segment_documents.MAX_TRACE_AGE", 10**10)

    documents = xray_export.documents_of([segment], XRAY)

    assert len(documents) == 21
    assert [parse(json.dumps(each)).id for each in documents] == [ROOT, *(each["id"] for each in subsegments)]
    [joined] = xray_export.segments_of(documents)
    names = [each["name"] for each in joined["subsegments"]]
    assert names == [each["name"] for each in subsegments]


@pytest.mark.parametrize(
    "document",
    [
        SEGMENTS,
        [json.dumps(each) for each in SEGMENTS],
        {"Traces": [{"Id": XRAY, "Segments": [{"Id": ROOT, "Document": json.dumps(SEGMENTS[0])}]}]},
    ],
    ids=["documents", "texts", "aws xray batch-get-traces"],
)
def test_segments_are_imported_in_each_form(document: Any) -> None:  # noqa: ANN401 - any JSON
    [trace] = imported_document(document)

    assert (trace.trace_id, trace.places[Place.XRAY].items) == (TRACE, SEGMENTS)


def test_the_document_of_a_trace_is_imported_as_it_was() -> None:
    whole = trace_of(WHOLE)

    [trace] = imported(json.dumps(whole.as_json()))

    assert trace.as_json() == whole.as_json()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "FILE=t.json is no JSON"),
        ("\x00", "FILE=t.json is no JSON"),
        ("{}", "FILE=t.json holds no trace"),
        ("[]", "FILE=t.json holds no trace"),
        ("7", "FILE=t.json holds no trace"),
        ('{"resourceSpans": []}', "FILE=t.json holds no trace"),
        ('{"resourceSpans": [1]}', "FILE=t.json holds a malformed trace"),
        ('{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "1", "spanId": "2"}]}]}]}', "malformed trace"),
        ("[1]", "document 1: is no object"),
        ('[{"trace_id": "1-2-3"}]', "document 1: trace_id is '1-2-3'"),
        (json.dumps([{**SEGMENTS[0], "start_time": "now"}]), "document 1: start_time is 'now'"),
        ('{"trace_id": "zz", "places": {}}', "ID is 'zz', which is no trace id"),
        ('{"trace_id": "' + TRACE + '", "places": {"xray": {"items": 5}}}', "places.xray.items is no list of objects"),
        ("[" * 100_000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_malformed_file_is_an_error_that_names_it(text: str, message: str) -> None:
    with pytest.raises(OperatorError) as error:
        imported(text, "FILE=t.json")
    assert message in str(error.value)


def test_a_large_file_is_refused() -> None:
    with pytest.raises(OperatorError, match="bytes at most"):
        imported(b" " * (MAX_BYTES + 1))


@pytest.mark.parametrize("form", ["json", "otlp", "xray"])
def test_a_damaged_file_is_shown_as_far_as_it_is_read_or_is_an_operator_error(form: str) -> None:
    trace, chance = trace_of(WHOLE), random.Random(form)
    document = trace.as_json() if form == "json" else exported(trace, form)
    shown = 0
    for _ in range(400):
        damaged = json.dumps(mutated(document, chance, 0.03))
        try:
            traces = imported(damaged)
        except OperatorError:
            continue
        for each in traces:
            list(rendered(each, 80))
            json.dumps(each.as_json())
            shown += 1
    assert shown > 50


def test_a_cycle_of_subsegments_is_shown_once() -> None:
    base: Json = {"trace_id": XRAY, "type": "subsegment", "start_time": 1.0, "end_time": 2.0}
    first = {**base, "id": "1" * 16, "parent_id": "2" * 16, "name": "a"}
    second = {**base, "id": "2" * 16, "parent_id": "1" * 16, "name": "b"}

    assert {each["name"] for each in xray_export.segments_of([first, second])} == {"a", "b"}


def test_the_newest_imported_traces_are_kept() -> None:
    store = ImportedTraces()
    [trace] = imported(json.dumps(SEGMENTS))

    assert store.add([trace]) == [TRACE]
    assert store.get(TRACE) is trace
    others = [
        imported(json.dumps([{**SEGMENTS[0], "trace_id": f"1-{number:08x}-{'1' * 24}"}]))[0]
        for number in range(MAX_TRACES)
    ]
    store.add(others)
    assert store.get(TRACE) is None


def test_what_a_place_does_not_have_is_not_exported() -> None:
    with pytest.raises(OperatorError, match=rf"Honeycomb has nothing of {TRACE} to export as otlp\. Export it as xray"):
        exported(trace_of({Place.XRAY: SEGMENTS}), "otlp")
    with pytest.raises(OperatorError, match="make trace without EXPORT= says why"):
        exported(trace_of({Place.CLOUDWATCH: WHOLE[Place.CLOUDWATCH]}), "xray")
    with pytest.raises(OperatorError, match=r"The format is 'zipkin'\. Use otlp or xray"):
        exported(trace_of(WHOLE), "zipkin")
