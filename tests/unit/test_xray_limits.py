"""Names, texts and annotations are brought within X-Ray's bounds, and long documents are cut at their joints."""

from __future__ import annotations

import json

import pytest

from service.telemetry.export.safe_json import dumps
from service.telemetry.sinks.xray.limits import (
    AnnotationBudget,
    Document,
    annotation_key,
    annotation_value,
    segment_name,
    short,
)
from service.telemetry.sinks.xray.packing import MAX_DOCUMENT, encode_node, pack


@pytest.mark.parametrize(
    ("given", "name"),
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
def test_a_segments_name_keeps_what_the_api_takes(given: str, name: str) -> None:
    assert segment_name(given) == name


@pytest.mark.parametrize(
    ("given", "key"), [("ok_1", "ok_1"), ("a.b-c é", "a_b_c__"), ("", "_"), ("k" * 501, "k" * 500), (7, "7")]
)
def test_an_annotations_key_has_letters_digits_and_underscores(given: object, key: str) -> None:
    assert annotation_key(given) == key


@pytest.mark.parametrize(
    ("given", "value"),
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
def test_an_annotations_value_is_text_a_number_or_a_boolean(given: object, value: object) -> None:
    assert annotation_value(given) == value
    assert type(annotation_value(given)) is type(value)


def test_a_text_field_has_250_characters_at_most() -> None:
    assert short("x" * 251) == "x" * 250


def test_the_budget_is_spent_first_come_first_served() -> None:
    budget = AnnotationBudget()
    assert budget.spend({f"a{number}": number for number in range(49)})[1] == {}
    assert budget.spend({"first": 1, "second": 2}) == ({"first": 1}, {"second": 2})
    assert budget.spend({"third": 3}) == ({}, {"third": 3})


def test_two_keys_that_become_the_same_cost_one_annotation() -> None:
    assert AnnotationBudget().spend({"a.b": 1, "a-b": 2}) == ({"a_b": 2}, {})


def node(name: str, size: int, *within: Document) -> Document:
    return {"id": name, "trace_id": "1-a-b", "padding": "x" * size, "subsegments": list(within)}


def test_a_short_segment_stays_one_document() -> None:
    [only] = pack(node("root", 10, node("one", 10, node("two", 10))))
    assert json.loads(only)["subsegments"][0]["subsegments"][0]["id"] == "two"


def test_what_does_not_fit_goes_by_itself_with_all_that_is_within_it() -> None:
    first, second = pack(node("root", 40_000, node("big", 30_000, node("leaf", 10)), node("small", 10)))
    root, big = json.loads(first), json.loads(second)
    assert [each["id"] for each in root["subsegments"]] == ["small"]
    assert (big["type"], big["trace_id"], big["parent_id"]) == ("subsegment", "1-a-b", "root")
    assert [each["id"] for each in big["subsegments"]] == ["leaf"]


def test_each_document_is_within_the_bound_and_as_full_as_can_be() -> None:
    documents = list(pack(node("root", 100, *(node(str(number), 1_000) for number in range(200)))))
    assert MAX_DOCUMENT - 1_200 < len(documents[0]) <= MAX_DOCUMENT
    assert all(len(each) <= MAX_DOCUMENT for each in documents)


@pytest.mark.parametrize("part", ["sql", "cause", "annotations", "http", "aws"])
def test_a_part_too_long_by_itself_is_left_out_by_name(part: str) -> None:
    document = {"id": "1", part: {"huge": "x" * 70_000}, "metadata": {"default": {"kept": 1}}}
    assert json.loads(encode_node(document)) == {
        "id": "1",
        "metadata": {"default": {"kept": 1}, "telemetry": {"left_out": [part]}},
    }


def test_only_as_much_metadata_goes_as_must() -> None:
    document = {"id": "1", "metadata": {"default": {"big": "x" * 40_000, "bigger": "x" * 60_000, "small": 1}}}
    kept = json.loads(encode_node(document))["metadata"]
    assert kept == {
        "default": {"big": "x" * 40_000, "small": 1},
        "telemetry": {"left_out": ["metadata default.bigger"]},
    }


def test_a_structure_without_end_becomes_one_with_an_end() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert b"nested too deep" in dumps({"endless": endless})


def test_thousands_of_small_metadata_are_thinned_out_until_they_fit() -> None:
    made = encode_node({"id": "1", "metadata": {"default": {f"\u00e9{number}": "x" * 20 for number in range(5_000)}}})
    assert len(made) <= MAX_DOCUMENT
    kept = json.loads(made)["metadata"]
    assert len(kept["default"]) > 1_000
    assert len(kept["telemetry"]["left_out"]) == 20
