"""An error's item is bounded, and so is what making it costs: of much, little is read, and what is left out is said."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict, deque, namedtuple
from typing import NoReturn

import pytest
from flask import Flask

from service.telemetry.sinks.rollbar import local_variables, queue
from service.telemetry.sinks.rollbar.body import MAX_BODY
from tests.telemetry.backends import KEYS, Document, Observatory, eventually
from tests.telemetry.segments import ask
from tests.telemetry.sinks.rollbar.items import Shown, counts, item_of_failing, raise_, raising, trace_of, unstarred
from tests.telemetry.sinks.rollbar.test_items import item_of


def test_errors_beyond_the_bound_are_items_without_local_variables_and_then_counted(
    errors: Flask, observatory: Observatory
) -> None:
    release = threading.Event()

    def fail() -> NoReturn:
        shown = Shown(lambda: str(release.wait(10)))
        raise RuntimeError(f"one of many {type(shown)}")

    raising(errors, fail)
    bound, room = queue.MAX_WITH_FRAMES, queue.MAX_WAITING
    ids = [ask(errors, "/raising", 500) for _ in range(room + 3)]
    assert counts(errors).dropped_full == 3
    release.set()
    full, plain = (item_of(observatory, ids[place]) for place in (bound - 1, bound))
    assert trace_of(full)["frames"][-1]["locals"]["shown"] == "True"
    assert "locals" not in trace_of(plain)["frames"][-1]
    assert plain["custom"].pop("left_out") == "local variables: too many errors at once"
    assert plain["custom"].keys() == full["custom"].keys()
    assert [bare(frame) for frame in trace_of(plain)["frames"]] == [bare(frame) for frame in trace_of(full)["frames"]]
    assert plain["request"].keys() == full["request"].keys()
    # Each is given back: there is room again.
    assert eventually(lambda: observatory.items(ids[room - 1]), 1)
    assert "locals" in trace_of(item_of_failing(errors, observatory))["frames"][-1]


def bare(frame: Document) -> Document:
    return {key: frame[key] for key in ("filename", "lineno", "method", "code")}


def test_an_item_that_is_too_long_is_sent_without_what_makes_it_so(errors: Flask, observatory: Observatory) -> None:
    def fail() -> NoReturn:
        raise RuntimeError(f"long {'x' * MAX_BODY} {KEYS['HONEYCOMB_API_KEY']}")

    raising(errors, fail)
    item = item_of_failing(errors, observatory)
    assert item["body"]["message"]["body"].startswith("long xxx")
    assert item["custom"]["left_out"] == "all but the message: the item was too long"
    assert item["custom"].keys() >= {"trace_id", "span_id"}


def test_a_long_body_that_the_handler_left_alone_is_left_alone(errors: Flask, observatory: Observatory) -> None:
    raising(errors, lambda: raise_(RuntimeError("unread")))
    sent = io.BytesIO(b"name=" + b"x" * 100_000)
    with errors.test_client().post(
        "/raising", input_stream=sent, content_length=100_005, content_type="application/x-www-form-urlencoded"
    ) as response:
        trace_id = response.headers["X-Trace-Id"]
    item = item_of(observatory, trace_id)
    assert item["request"]["POST"] == {}
    assert sent.tell() == 0


Pair = namedtuple("Pair", "left right")  # the kind that the SDK has a rule for


def cyclic() -> list[object]:
    value: list[object] = [list(range(30))] * 3
    return [*value, value, *range(2_500)]


def test_large_local_variables_look_as_the_sdk_shows_them(
    errors: Flask, observatory: Observatory, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = range(2_500)

    def fail() -> NoReturn:
        rows = [{"id": each, "password": "p", "deep": [[[[[[1] * 20] * 3]]]]} for each in many]
        mappings = {each: {"x": (each, 2)} for each in many}, OrderedDict((each, each) for each in many)
        sets = set(many), frozenset(many)
        lists = deque(many), tuple(many), many, bytearray(2_500), [Pair(1, 2)] * 2_500
        loop = cyclic()
        raise RuntimeError(f"large {len(rows) + len(mappings) + len(sets) + len(lists) + len(loop)}")

    raising(errors, fail)
    spared = item_of_failing(errors, observatory)
    monkeypatch.setattr(local_variables, "_SMALL", 10**9)
    whole = item_of_failing(errors, observatory)
    shown, expected = (unstarred(trace_of(item)["frames"][-1]["locals"]) for item in (spared, whole))
    assert shown.keys() == {"rows", "mappings", "sets", "lists", "loop", "many"}
    assert shown == expected


def test_of_a_large_local_variable_little_is_read(errors: Flask, observatory: Observatory) -> None:
    read: list[str] = []

    def look() -> str:
        read.append("read")
        return read[-1]

    def fail() -> NoReturn:
        many = [Shown(look) for _ in range(5_000)]
        raise RuntimeError(f"{len(many)}")

    raising(errors, fail)
    item_of_failing(errors, observatory)
    assert len(read) < 100
