"""The newest requests, of all four places, are found by every filter."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from operations.traces.attributes import Attribute, unknown_terms
from operations.traces.document import Json, Place
from operations.traces.entries import MAX_NAMES, MAX_TEXT, MAX_VALUE, MAX_VALUES, Collected, entry_of_lines
from operations.traces.filters import parse_filter
from operations.traces.index import RequestIndex
from operations.traces.places.cloudwatch import line_of
from tests.operations.traces.conftest import Places
from tests.operations.traces.examples import ITEMS, LINES, SPANS, TRACE
from tests.operations.traces.live import ALL, ProbeResult
from tests.operations.traces.values import mutated

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def found(index: RequestIndex, terms: str) -> list[str]:
    return [each.trace_id for each in index.search(parse_filter(terms))]


def test_requests_are_the_union_of_all_places_newest_first(places: Places) -> None:
    whole = ProbeResult(age=10, status=500).to(places, *ALL)
    by_place = {name: ProbeResult(age=20 + age).to(places, name) for age, name in enumerate(ALL)}
    index = RequestIndex(places.deployment)

    assert index.refresh()

    requests = {each.trace_id: each for each in index.search()}
    assert list(requests) == [whole.trace_id, *(each.trace_id for each in by_place.values())]
    assert requests[whole.trace_id].places == list(Place)
    for name, sent in by_place.items():
        assert requests[sent.trace_id].places == [Place(name)]
        assert abs(requests[sent.trace_id].started - sent.started) < 1
    assert requests[whole.trace_id].exception == "KeyError"
    assert index.errors == {}


def test_health_checks_and_static_files_are_left_out_unless_the_filter_names_them(places: Places) -> None:
    checks = [
        ProbeResult(path="/_onetrace/health"),
        ProbeResult(path="/health", status=499),
        ProbeResult(path="/assets/index-1.js"),
    ]
    for each in checks:
        each.to(places, "honeycomb", "xray")
    failed = {
        ProbeResult(path="/_onetrace/health", status=503).to(places, *ALL).trace_id,
        ProbeResult(path="/assets/gone.js", status=404).to(places, *ALL).trace_id,
    }
    deployment = places.deployment
    application = replace(deployment.names.application, health_check_path="/health")
    index = RequestIndex(replace(deployment, names=replace(deployment.names, application=application)))
    index.refresh()

    assert set(found(index, "")) == set(found(index, "-path:/orders/*")) == failed
    assert index.find().left_out == len(checks)
    assert set(found(index, "path:/assets/*")) > {checks[2].trace_id}
    assert found(index, checks[0].trace_id) == found(index, f"trace:{checks[0].trace_id}") == [checks[0].trace_id]
    assert len(found(index, "show:all")) == len(checks) + len(failed)


def test_the_slowest_are_first_where_the_filter_says_so(places: Places) -> None:
    ids = [ProbeResult(age=age).to(places, "honeycomb").trace_id for age in (30, 20, 10)]
    slow = ProbeResult(age=40)
    places.send_spans({**slow.span(), "end_ns": slow.span()["start_ns"] + 5_000_000_000})
    index = RequestIndex(places.deployment)
    index.refresh()
    assert found(index, "sort:duration")[0] == slow.trace_id
    assert found(index, "-sort:duration")[-1] == found(index, "sort:newest")[-1] == slow.trace_id
    assert set(ids) < set(found(index, "sort:duration"))


def test_the_attributes_are_known_and_a_term_that_none_has_is_named(places: Places) -> None:
    sent = ProbeResult().to(places, *ALL)
    places.send_spans({**sent.span(), "span_id": "d" * 16, "attributes": {"db.system.name": "postgresql"}})
    index = RequestIndex(places.deployment)
    index.refresh()
    known = index.attributes()
    assert next(each for each in known if each.key == "db.system.name") == Attribute(
        key="db.system.name", requests=1, values=["postgresql"]
    )
    terms = parse_filter(
        "stats:500 db.sistem.name:x db.system:mysql -none:1 status:200 words qqq:1 db.system.name:other"
    )
    assert [(each.term, each.nearest) for each in unknown_terms(terms, known)] == [
        ("stats:500", "status"),
        ("db.sistem.name:x", "db.system.name"),
        ("qqq:1", None),
    ]


def test_a_refresh_adds_what_is_new_and_completes_what_is_known(places: Places) -> None:
    first = ProbeResult(age=3).to(places, "cloudwatch")
    index = RequestIndex(places.deployment)
    index.refresh()
    assert not index.refresh()

    first.to(places, "honeycomb", "xray")
    second = ProbeResult(age=1, status=404).to(places, "cloudwatch")

    assert index.refresh()
    assert [each.trace_id for each in index.search()] == [second.trace_id, first.trace_id]
    assert index.search()[1].places == [Place.HONEYCOMB, Place.XRAY, Place.CLOUDWATCH]


def test_requests_are_found_by_what_each_place_has(places: Places) -> None:
    failed = ProbeResult(age=10, status=500, path="/orders/7").to(places, *ALL)
    query = {**failed.span(), "span_id": "c" * 16, "parent_span_id": failed.span_id, "kind": "client", "name": "SELECT"}
    places.send_spans({**query, "attributes": {"db.system.name": "postgresql"}, "events": []})
    ProbeResult(age=20, path="/users").to(places, *ALL[:3])
    index = RequestIndex(places.deployment)
    index.refresh()

    for terms in (
        "status:5xx",
        "path:/orders/*",
        "place:rollbar",
        "db.system.name:postgresql",
        "keyerror",
        "'total'",
        "select",
        failed.trace_id[5:20],
        "tenant:blue path:/orders/*",
        "-path:/users",
    ):
        assert found(index, terms) == [failed.trace_id], terms
    assert found(index, "status:418") == []


def test_the_list_continues_after_a_trace(places: Places) -> None:
    ids = [ProbeResult(age=age).to(places, "cloudwatch").trace_id for age in (50, 40, 30, 20, 10)][::-1]
    index = RequestIndex(places.deployment)
    index.refresh()

    first = index.search(limit=2)
    second = index.search(limit=2, before=first[-1].trace_id)

    assert [each.trace_id for each in [*first, *second]] == ids[:4]
    assert index.search(before="f" * 32) == []


def test_the_oldest_are_evicted(places: Places) -> None:
    ids = [ProbeResult(age=age).to(places, "cloudwatch").trace_id for age in (50, 40, 30)]
    index = RequestIndex(places.deployment, capacity=2)
    index.refresh()

    assert [each.trace_id for each in index.search()] == ids[:0:-1]


def test_what_began_before_the_index_is_left_out_as_not_all_of_it_was_read(places: Places) -> None:
    ProbeResult(age=400, status=500).to(places, *ALL)
    newer = ProbeResult(age=5, status=500).to(places, *ALL)
    index = RequestIndex(places.deployment, period=300)
    index.refresh()

    assert [(each.trace_id, each.places) for each in index.search()] == [(newer.trace_id, list(Place))]


def test_a_place_that_cannot_be_read_is_an_error_beside_the_others(places: Places) -> None:
    sent = ProbeResult(status=500).to(places, *ALL)
    places.settings(places.rollbar_url, mode="unavailable")
    index = RequestIndex(replace(places.deployment, honeycomb=None))
    index.refresh()

    assert list(index.errors) == [Place.ROLLBAR]
    assert index.search()[0].trace_id == sent.trace_id

    places.settings(places.rollbar_url)
    index.refresh()
    assert index.errors == {}
    assert Place.ROLLBAR in index.search()[0].places


def test_searches_while_it_is_refreshed_see_whole_requests(places: Places) -> None:
    index, problems = RequestIndex(places.deployment), []
    ended = threading.Event()

    def search() -> None:
        while not ended.is_set():
            try:
                index.search(parse_filter("-absent"))
            except Exception as error:  # noqa: BLE001 - reported below
                problems.append(error)

    threads = [threading.Thread(target=search) for _ in range(3)]
    for each in threads:
        each.start()
    for _ in range(10):
        ProbeResult(status=500).to(places, *ALL)
        index.refresh()
    ended.set()
    for each in threads:
        each.join()
    assert problems == []
    assert len(index) == 10


def test_what_is_kept_of_a_trace_is_bounded() -> None:
    collected = Collected(TRACE)
    for number in range(1000):
        attributes: Json = {f"a{number}": "x" * 10_000, "same": number, "list": list(range(1000)), "deep": {"a": {}}}
        collected.add_span({**SPANS[0], "name": f"span {number}" * 1000, "attributes": attributes})

    assert len(collected.attributes) <= MAX_NAMES
    assert max(map(len, collected.attributes.values())) <= MAX_VALUES
    assert len(collected.attributes["a0"][0]) == MAX_VALUE
    assert len(collected.entry().text) <= MAX_TEXT


def test_what_arrives_of_any_shape_is_collected() -> None:
    chance = random.Random(3)
    summary: Json = {"Id": "1-2", "Annotations": {"a": [{"AnnotationValue": {"StringValue": "b"}}]}, "Http": {}}
    for _ in range(500):
        collected = Collected(TRACE)
        for add, document in (
            (Collected.add_span, SPANS[0]),
            (Collected.add_summary, summary),
            (Collected.add_line, LINES[-1]),
            (Collected.add_item, ITEMS[0]),
        ):
            damaged: Any = mutated(document, chance, 0.2)
            if isinstance(damaged, dict):
                add(collected, damaged)
        parse_filter("status:5xx duration:>1ms a:b x").matches(collected.entry(), time.time())


def test_the_lines_of_a_request_are_an_entry() -> None:
    other = line_of({"timestamp": 1, "message": '{"message": "hello", "order": 7}'})

    assert parse_filter("order:>6 hello status:500 user:bob").matches(entry_of_lines(TRACE, [other, *LINES]), 0)
