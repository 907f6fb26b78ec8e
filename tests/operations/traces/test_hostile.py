"""Records of any sender: what is read is listed, shown, exported and written as JSON, and a bad record costs itself."""

from __future__ import annotations

import io
import json
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import orjson
import pytest
from rich.console import Console

from operations.errors import OperatorError
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place, Trace
from operations.traces.entries import Collected
from operations.traces.export import exported
from operations.traces.filters import parse_filter
from operations.traces.find import find_trace
from operations.traces.imports import imported
from operations.traces.index import RequestIndex
from operations.traces.options import FORMATS
from operations.traces.records import MAX_DEPTH, plain, records
from operations.traces.trace_ids import is_trace_id
from operations.traces.tree import print_trace
from tests.operations.traces.conftest import Places
from tests.operations.traces.examples import TRACE, WHOLE, trace_of
from tests.operations.traces.live import ALL, ProbeResult
from tests.operations.traces.values import damaged, hostile, mutated, nested, text

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def use(trace: Trace) -> None:
    """Do with a trace all that is done with one."""
    orjson.dumps(trace.as_json())
    orjson.dumps(json.loads(json.dumps(trace.as_json(), indent=2)))
    for width in (60, 120):
        file = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
        print_trace(Console(file=file, width=width, force_terminal=True), trace)
    for form in FORMATS:
        with suppress(OperatorError):  # the place that has the format's items has none
            document = exported(trace, form)
            orjson.dumps(document)
            imported(json.dumps(document))


class Records:
    """A reader of Honeycomb and of Rollbar that returns these records."""

    def __init__(self, spans: Sequence[Any] = (), items: Sequence[Any] = ()) -> None:
        self._spans, self._items = spans, items

    def spans(self, trace_id: str) -> Sequence[Any]:  # noqa: ARG002 - the protocol's
        return self._spans

    def newest_spans(self, limit: int) -> Sequence[Any]:  # noqa: ARG002 - the protocol's
        return self._spans

    def items(self, trace_id: str) -> Sequence[Any]:  # noqa: ARG002 - the protocol's
        return self._items

    def newest_items(self, limit: int) -> Sequence[Any]:  # noqa: ARG002 - the protocol's
        return self._items

    def url(self, trace_id: str) -> None:  # noqa: ARG002 - the protocol's
        return None

    def of(self, deployment: Deployment) -> Deployment:
        return replace(deployment, honeycomb=self, rollbar=self)


def depth(value: Any) -> int:  # noqa: ANN401 - any JSON
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, children), default=0)


@pytest.mark.parametrize("seed", range(300))
def test_any_value_becomes_json_that_every_encoder_writes(seed: int) -> None:
    chance = random.Random(seed)
    value = plain({"a": hostile(chance), text(chance): [hostile(chance)]})

    assert orjson.loads(orjson.dumps(value)) == value == json.loads(json.dumps(value))
    assert depth(value) <= MAX_DEPTH + 1
    assert plain(value) == value


def test_what_every_encoder_writes_stays_as_it_is() -> None:
    value = {"a": [1, -(2**63), 2**63 - 1, 1.5, None, True, "é日本\U0001f600", {}], "": nested(MAX_DEPTH - 2)}
    assert plain(value) == value
    assert plain("\ud83d\ude00") == "\U0001f600"
    assert records([value, 1, None, "x", [value]]) == [value]


@pytest.mark.parametrize("form", ["json", *FORMATS])
def test_an_imported_file_is_refused_or_can_be_shown_listed_and_exported(form: str) -> None:
    trace, chance, used = trace_of(WHOLE), random.Random(form), 0
    document = trace.as_json() if form == "json" else exported(trace, form)
    for _ in range(150):
        try:
            traces = imported(json.dumps(damaged(document, chance, 0.02)))
        except (OperatorError, RecursionError):  # that of json.dumps
            continue
        for each in traces:
            assert is_trace_id(each.trace_id)
            use(each)
            used += 1
    assert used > 10


@pytest.mark.parametrize("seed", range(40))
def test_what_the_readers_return_is_listed_found_shown_and_exported(places: Places, seed: int) -> None:
    chance = random.Random(seed)
    sent = ProbeResult(status=500).to(places, "cloudwatch")
    spans = [damaged(sent.span(), chance, 0.1) for _ in range(5)]
    items = [damaged(sent.item(), chance, 0.1) for _ in range(5)]
    with suppress(RecursionError):  # of json.dumps
        places.send_lines((time.time(), json.dumps(damaged(json.loads(sent.line()[1]), chance, 0.1))))
    deployment = Records(spans, items).of(places.deployment)

    index = RequestIndex(deployment)
    index.refresh()

    requests = index.search(parse_filter("-a:>1 -status:418 -duration:>100s"))
    assert sent.trace_id in {each.trace_id for each in requests}
    orjson.dumps([each.as_json() for each in requests])
    for each in requests:
        use(find_trace(deployment, each.trace_id))


@pytest.mark.parametrize("trace_id", ["z" * 32, "A" * 32, "0" * 32, TRACE[:31], "", 7, None, [TRACE], "\ud800" * 32])
def test_a_record_with_no_trace_id_is_ignored_and_the_others_are_listed(places: Places, trace_id: object) -> None:
    sent = ProbeResult().to(places, *ALL)
    line = {**json.loads(sent.line()[1]), "trace_id": trace_id}
    places.send_lines((time.time(), json.dumps(line)))
    item = {"custom": {"trace_id": trace_id}}
    deployment = Records([sent.span(), {**sent.span(), "trace_id": trace_id}], [item, sent.item()]).of(
        places.deployment
    )
    index = RequestIndex(deployment)

    for _ in range(2):
        index.refresh()

    listed = [each.trace_id for each in index.search()]
    assert sent.trace_id in listed
    assert all(map(is_trace_id, listed))
    assert index.errors == {}


class Broken(Records):
    """A reader that fails as no reader should."""

    def newest_spans(self, limit: int) -> Sequence[Any]:
        raise OverflowError(f"year {limit} is out of range\ud800")

    spans = newest_spans  # type: ignore[assignment]  # it raises, whatever its argument


def test_any_exception_of_a_place_is_the_error_of_that_place(places: Places) -> None:
    sent = ProbeResult().to(places, *ALL)
    deployment = Broken().of(places.deployment)
    index = RequestIndex(deployment)

    index.refresh()

    assert [each.trace_id for each in index.search()] == [sent.trace_id]
    assert list(index.errors) == [Place.HONEYCOMB]
    assert "Honeycomb returned cannot be read (OverflowError" in index.errors[Place.HONEYCOMB].problem
    absence = find_trace(deployment, sent.trace_id).places[Place.HONEYCOMB].absence
    assert absence is not None
    assert absence.reason == "not-readable"
    use(find_trace(deployment, sent.trace_id))


def test_an_access_line_of_a_negative_duration_is_listed_at_its_time(places: Places) -> None:
    sent = ProbeResult(age=60)
    line = {**json.loads(sent.line()[1]), "duration_ms": -5e10}
    places.send_lines((sent.started, json.dumps(line)))
    newer = ProbeResult(age=1).to(places, "cloudwatch")
    index = RequestIndex(places.deployment)
    index.refresh()

    first, second = index.search()
    assert (first.trace_id, second.trace_id) == (newer.trace_id, sent.trace_id)
    assert second.duration_ms is None


@pytest.mark.parametrize("seed", range(200))
def test_records_of_any_shape_are_collected(seed: int) -> None:
    chance = random.Random(seed)
    collected = Collected("z" * 32)
    summary: Json = {"Id": "1-2", "Annotations": {"a": [{"AnnotationValue": {"StringValue": "b"}}]}, "Http": {}}
    documents = {
        Collected.add_span: WHOLE[Place.HONEYCOMB][0],
        Collected.add_summary: summary,
        Collected.add_line: WHOLE[Place.CLOUDWATCH][-1],
        Collected.add_item: WHOLE[Place.ROLLBAR][0],
    }
    for add, document in documents.items():
        for each in records([damaged(mutated(document, chance), chance, 0.2)]):
            add(collected, each)
    orjson.dumps(collected.entry().request.as_json())
