"""Names, fields and annotations fit X-Ray's limits, and large documents are split into subsegments."""

from __future__ import annotations

import json

import pytest

from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.sinks.xray.limits import (
    AnnotationBudget,
    Document,
    annotation_key,
    annotation_value,
    segment_name,
    short,
)
from flask_onetrace.telemetry.sinks.xray.packing import MAX_DOCUMENT, encode_node, pack


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Backend-Flask", "Backend-Flask"),
        ("GET /a?b=1;<c>*(d)!$~^", "GET /ab=1cd"),
        ("größe 日本 _.:/%&#=+-@", "größe 日本 _.:/%&#=+-@"),
        ("a\\b\n\tc\udc80", "abc"),
        ("x" * 201, "x" * 200),
        ("???", "unnamed"),
        ("", "unnamed"),
    ],
)
def test_a_segment_name_keeps_only_allowed_characters(text: str, name: str) -> None:
    assert segment_name(text) == name


@pytest.mark.parametrize(
    ("raw", "key"), [("ok_1", "ok_1"), ("a.b-c é", "a_b_c__"), ("", "_"), ("k" * 501, "k" * 500), (7, "7")]
)
def test_an_annotation_key_has_only_letters_digits_and_underscores(raw: object, key: str) -> None:
    assert annotation_key(raw) == key


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (1.5, 1.5),
        (False, False),
        (2**63, str(2**63)),
        (float("inf"), "inf"),
        (None, "None"),
        ("x" * 1001, "x" * 1000),
        (b"x", "b'x'"),
    ],
)
def test_an_annotation_value_is_a_string_number_or_boolean(raw: object, value: object) -> None:
    assert annotation_value(raw) == value
    assert type(annotation_value(raw)) is type(value)


def test_a_text_field_is_cut_at_250_characters() -> None:
    assert short("x" * 251) == "x" * 250


def test_the_annotation_budget_is_first_come_first_served() -> None:
    budget = AnnotationBudget()
    assert budget.spend({f"a{number}": number for number in range(49)})[1] == {}
    assert budget.spend({"first": 1, "second": 2}) == ({"first": 1}, {"second": 2})
    assert budget.spend({"third": 3}) == ({}, {"third": 3})


def test_keys_that_are_equal_once_sanitized_cost_one_annotation() -> None:
    assert AnnotationBudget().spend({"a.b": 1, "a-b": 2}) == ({"a_b": 2}, {})


def node(name: str, size: int, *children: Document) -> Document:
    return {"id": name, "trace_id": "1-a-b", "padding": "x" * size, "subsegments": list(children)}


def test_a_short_segment_stays_one_document() -> None:
    [document] = pack(node("root", 10, node("one", 10, node("two", 10))))
    assert json.loads(document)["subsegments"][0]["subsegments"][0]["id"] == "two"


def test_a_subsegment_that_does_not_fit_is_sent_separately_with_its_children() -> None:
    first, second = pack(node("root", 40_000, node("big", 30_000, node("leaf", 10)), node("small", 10)))
    root, big = json.loads(first), json.loads(second)
    assert [each["id"] for each in root["subsegments"]] == ["small"]
    assert (big["type"], big["trace_id"], big["parent_id"]) == ("subsegment", "1-a-b", "root")
    assert [each["id"] for each in big["subsegments"]] == ["leaf"]


def test_documents_are_filled_up_to_the_size_limit() -> None:
    documents = list(pack(node("root", 100, *(node(str(number), 1_000) for number in range(200)))))
    assert MAX_DOCUMENT - 1_200 < len(documents[0]) <= MAX_DOCUMENT
    assert all(len(each) <= MAX_DOCUMENT for each in documents)


@pytest.mark.parametrize("part", ["sql", "cause", "annotations", "http", "aws"])
def test_an_oversized_field_is_dropped_and_named(part: str) -> None:
    document = {"id": "1", part: {"huge": "x" * 70_000}, "metadata": {"default": {"kept": 1}}}
    assert json.loads(encode_node(document)) == {
        "id": "1",
        "metadata": {"default": {"kept": 1}, "telemetry": {"left_out": [part]}},
    }


def test_the_largest_metadata_entries_are_dropped_first() -> None:
    document = {"id": "1", "metadata": {"default": {"big": "x" * 40_000, "bigger": "x" * 60_000, "small": 1}}}
    metadata = json.loads(encode_node(document))["metadata"]
    assert metadata == {
        "default": {"big": "x" * 40_000, "small": 1},
        "telemetry": {"left_out": ["metadata default.bigger"]},
    }


def test_a_cyclic_structure_is_truncated() -> None:
    cyclic: list[object] = []
    cyclic.append(cyclic)
    assert b"nested too deep" in dumps({"cyclic": cyclic})


def test_metadata_entries_are_dropped_until_the_document_fits() -> None:
    document = encode_node(
        {"id": "1", "metadata": {"default": {f"\u00e9{number}": "x" * 20 for number in range(5_000)}}}
    )
    assert len(document) <= MAX_DOCUMENT
    metadata = json.loads(document)["metadata"]
    assert len(metadata["default"]) > 1_000
    assert len(metadata["telemetry"]["left_out"]) == 20
