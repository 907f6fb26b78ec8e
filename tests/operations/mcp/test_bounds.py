from __future__ import annotations

import json
import random
from typing import Any

import pytest

from operations.mcp.bounds import LEVELS, MAX_DEPTH, MAX_NOTES, Bounds


def span(name: str, *, failed: bool = False, size: int = 100) -> dict[str, Any]:
    return {"name": name, "status": {"code": "error" if failed else "unset"}, "attributes": {"text": "x" * size}}


def test_what_fits_is_returned_as_it_is() -> None:
    bounds, spans = Bounds(), [span("a"), span("b")]
    assert bounds.items(spans, 10_000, "places.honeycomb.items") == spans
    assert bounds.notes == []


def test_more_items_are_shown_in_less_detail_before_any_is_left_out() -> None:
    bounds = Bounds()
    items = bounds.items([span(str(number), size=1_000) for number in range(20)], 10_000, "items")
    assert len(items) == 20
    assert bounds.notes[0] == "items[0].attributes.text: 600 of 1000 characters left out"


def test_failed_items_are_kept_in_their_order_where_not_all_fit() -> None:
    bounds = Bounds()
    spans = [span(str(number), failed=number in (70, 90)) for number in range(100)]
    names = [each["name"] for each in bounds.items(spans, 2_000, "items")]
    assert {"70", "90", "0"} <= set(names)
    assert names == sorted(names, key=int)
    assert bounds.notes[0] == f"items: {100 - len(names)} of 100 items left out"


def test_a_text_keeps_its_beginning_and_its_end() -> None:
    text = "Traceback" + "x" * 5_000 + "ZeroDivisionError: division by zero"
    shown = Bounds().value(text, "exception")
    assert shown.startswith("Traceback")
    assert shown.endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("hidden", ["\x1b[31m", "\u202e", "\U000e0041", "\u200b", "\x00", "\x9b", "\ufeff"])
def test_characters_that_a_person_would_not_see_are_escaped(hidden: str) -> None:
    shown = Bounds().value({f"a{hidden}": f"b{hidden}"}, "")
    assert all(each.isprintable() for each in json.dumps(shown, ensure_ascii=False))


def random_value(draw: random.Random, depth: int = 0) -> object:
    kind = draw.randrange(9 if depth < 2 * MAX_DEPTH else 6)
    match kind:
        case 0:
            return draw.choice([float("nan"), float("inf"), -float("inf"), 1e308, 10**5_000, True, None, 0])
        case 1 | 2:
            return "".join(chr(draw.randrange(1, 0xD800)) for _ in range(draw.randrange(3_000)))
        case 3:
            return "\ud800"
        case 4 | 5:
            return draw.random()
        case 6 | 7:
            names = (str(draw.random()) * draw.randrange(20) for _ in range(draw.randrange(3)))
            return {name: random_value(draw, depth + 1) for name in names}
    return [random_value(draw, depth + 1) for _ in range(draw.choice([0, 1, 2, 100] if depth < 2 else [0, 1, 2]))]


@pytest.mark.parametrize("seed", range(20))
def test_any_value_becomes_json_within_the_budget(seed: int) -> None:
    draw, bounds = random.Random(seed), Bounds()
    items = [{"name": str(number), "value": random_value(draw)} for number in range(draw.choice([0, 1, 10, 60]))]
    shown = bounds.items(items, 5_000, "items")
    assert sum(len(json.dumps(each, ensure_ascii=False)) for each in shown) <= 5_000
    json.dumps(shown, allow_nan=False).encode()
    assert len(bounds.notes) <= MAX_NOTES + 1
    assert len(shown) == len(items) or any("items left out" in each for each in bounds.notes)


def test_each_level_shows_less() -> None:
    assert list(LEVELS) == sorted(LEVELS, reverse=True)


def test_a_document_is_cut_until_it_fits() -> None:
    document = {"spans": {"changed": [{"name": "x" * 2_000, "a": ["y" * 2_000] * 60}] * 60}, "places": {}}
    bounds = Bounds()
    copy = bounds.document(document, 24_000)
    assert len(json.dumps(copy)) <= 24_000
    assert copy["places"] == {}
    assert bounds.notes
    assert Bounds().document({"small": [1, 2]}, 24_000) == {"small": [1, 2]}
