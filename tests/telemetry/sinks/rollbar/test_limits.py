"""Error items and the cost of building them are bounded, and each item names what was left out."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict, deque, namedtuple
from typing import NoReturn

import pytest
import rollbar
from flask import Flask

from flask_onetrace.telemetry.sinks.rollbar import causes, local_variables, queue
from tests.telemetry.backends import KEYS, Document, FakeBackends, eventually
from tests.telemetry.segments import get_trace_id
from tests.telemetry.sinks.rollbar.items import (
    ReprProbe,
    add_failing_route,
    exception_trace,
    item_of,
    item_of_failure,
    mask_scrubbed,
    queue_counts,
    raise_,
)


def test_too_many_errors_at_once_lose_their_local_variables_and_are_then_dropped(
    rollbar_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causes, "BURST", 1_000)
    monkeypatch.setattr(queue, "_MAX_FRAME_SECONDS", 60)
    release = threading.Event()

    def fail() -> NoReturn:
        probe = ReprProbe(lambda: str(release.wait(10)))
        raise RuntimeError(f"one of many {type(probe)}")

    add_failing_route(rollbar_app, fail)
    with_frames, capacity = queue.MAX_WITH_FRAMES, queue.MAX_REPEATS
    ids = [get_trace_id(rollbar_app, "/raising", 500) for _ in range(capacity + 3)]
    assert queue_counts(rollbar_app).dropped_full == 3
    release.set()
    full, plain = (item_of(backends, ids[index]) for index in (with_frames - 1, with_frames))
    assert exception_trace(full)["frames"][-1]["locals"]["probe"] == "True"
    assert "locals" not in exception_trace(plain)["frames"][-1]
    assert plain["custom"].pop("left_out") == "local variables: too many errors at once"
    assert plain["custom"].keys() == full["custom"].keys()
    assert [location(frame) for frame in exception_trace(plain)["frames"]] == [
        location(frame) for frame in exception_trace(full)["frames"]
    ]
    assert plain["request"].keys() == full["request"].keys()
    # Each slot is released: later errors have local variables again.
    assert eventually(lambda: backends.items(ids[capacity - 1]), 1)
    assert "locals" in exception_trace(item_of_failure(rollbar_app, backends))["frames"][-1]


def location(frame: Document) -> Document:
    return {key: frame[key] for key in ("filename", "lineno", "method", "code")}


def test_an_oversized_item_is_reduced_to_its_message(rollbar_app: Flask, backends: FakeBackends) -> None:
    def report() -> str:
        fields = {str(number): "\x01" * 8_000 for number in range(16)}  # six bytes each in JSON
        rollbar.report_message(f"long {KEYS['ROLLBAR_ACCESS_TOKEN']}", extra_data=fields)
        return "ok"

    rollbar_app.add_url_rule("/reporting", "reporting", report)
    item = item_of(backends, get_trace_id(rollbar_app, "/reporting"))
    assert item["body"]["message"]["body"] == "long REDACTED"
    assert item["custom"]["left_out"] == "all but the message: the item was too long"
    assert item["custom"].keys() >= {"trace_id", "span_id"}


def test_an_unread_request_body_is_not_read_for_the_item(rollbar_app: Flask, backends: FakeBackends) -> None:
    add_failing_route(rollbar_app, lambda: raise_(RuntimeError("unread")))
    body = io.BytesIO(b"name=" + b"x" * 100_000)
    with rollbar_app.test_client().post(
        "/raising", input_stream=body, content_length=100_005, content_type="application/x-www-form-urlencoded"
    ) as response:
        trace_id = response.headers["X-Trace-Id"]
    item = item_of(backends, trace_id)
    assert item["request"]["POST"] == {}
    assert body.tell() == 0


Pair = namedtuple("Pair", "left right")


def cyclic() -> list[object]:
    value: list[object] = [list(range(30))] * 3
    return [*value, value, *range(500)]


def test_large_local_variables_are_shown_as_the_sdk_shows_them(
    rollbar_app: Flask, backends: FakeBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = range(500)

    def fail() -> NoReturn:
        rows = [{"id": each, "password": "p", "deep": [[[[[[1] * 20] * 3]]]]} for each in many]
        mappings = {each: {"x": (each, 2)} for each in many}, OrderedDict((each, each) for each in many)
        sets = set(many), frozenset(many)
        lists = deque(many), tuple(many), many, bytearray(500)
        loop = cyclic()
        raise RuntimeError(f"large {len(rows) + len(mappings) + len(sets) + len(lists) + len(loop)}")

    add_failing_route(rollbar_app, fail)
    bounded = item_of_failure(rollbar_app, backends)
    monkeypatch.setattr(local_variables._Truncator, "truncate", lambda _, value, __: value)
    full = item_of_failure(rollbar_app, backends)
    values, expected = (mask_scrubbed(exception_trace(item)["frames"][-1]["locals"]) for item in (bounded, full))
    assert values.keys() == {"rows", "mappings", "sets", "lists", "loop", "many"}
    assert values == expected


def test_named_tuples_are_shown_with_the_names_of_their_values(rollbar_app: Flask, backends: FakeBackends) -> None:
    def fail() -> NoReturn:
        pairs = [Pair(1, 2)] * 500
        raise RuntimeError(f"{len(pairs)}")

    add_failing_route(rollbar_app, fail)
    shown = exception_trace(item_of_failure(rollbar_app, backends))["frames"][-1]["locals"]["pairs"]
    assert shown[0] == {"left": 1, "right": 2}
    assert len(shown) < 20


def test_only_a_small_part_of_a_large_local_variable_is_read(rollbar_app: Flask, backends: FakeBackends) -> None:
    reads: list[str] = []

    def on_read() -> str:
        reads.append("read")
        return reads[-1]

    def fail() -> NoReturn:
        many = [ReprProbe(on_read) for _ in range(5_000)]
        raise RuntimeError(f"{len(many)}")

    add_failing_route(rollbar_app, fail)
    item_of_failure(rollbar_app, backends)
    assert len(reads) < 100
