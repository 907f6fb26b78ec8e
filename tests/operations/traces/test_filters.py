from __future__ import annotations

import random

import pytest

from operations.errors import OperatorError
from operations.traces.document import Place, Request
from operations.traces.filters import MAX_FILTER, Entry, parse_filter
from tests.operations.traces.examples import TRACE, XRAY
from tests.operations.traces.values import text

NOW = 1_000_000.0
REQUEST = Request(
    trace_id=TRACE,
    started=NOW - 60,
    method="GET",
    route="/orders/<id>",
    path="/orders/7",
    status=503,
    user="bob",
    duration_ms=250.0,
    places=[Place.HONEYCOMB, Place.CLOUDWATCH],
)
ENTRY = Entry(
    REQUEST,
    {"db.system.name": ["redis", "postgresql"], "order.total": [12.5], "is.new": [True], "note": ["a * b"]},
    f"{TRACE}\nget /orders/7\nkeyerror: 'total'\nselect orders",
)


@pytest.mark.parametrize(
    "terms",
    [
        "",
        "status:5xx",
        "STATUS:503",
        "status:>=500 status:<600",
        "-status:404",
        "method:get",
        "route:/orders/*",
        'route:"/orders/<id>"',
        "path:/orders/7",
        "user:b*",
        "duration:>200ms duration:<=0.25s",
        "since:2m until:30s",
        "-since:30s",
        f"trace:{TRACE}",
        f"trace:{XRAY}",
        "place:honeycomb -place:xray",
        "db.system.name:postgresql",
        "db.system.name:post*",
        "order.total:>12 order.total:<=12.5",
        "is.new:true",
        'note:"a * b"',
        "KeyError",
        f"{TRACE[:12]}",
        '"get /orders"',
        "-absent -other:value -status:2xx",
    ],
)
def test_these_terms_match(terms: str) -> None:
    assert parse_filter(terms).matches(ENTRY, NOW)


@pytest.mark.parametrize(
    "terms",
    [
        "status:4xx",
        "-status:503",
        "status:<500",
        "method:POST",
        "route:/orders",
        "user:alice",
        "duration:>1s",
        "since:30s",
        "until:2m",
        f"trace:{'1' * 32}",
        "place:rollbar",
        "db.system.name:mysql",
        "order.total:>13",
        "db.system.name:>1",
        'note:"a*b"',
        "absent",
        "status:5xx absent",
        "other:value",
    ],
)
def test_these_terms_do_not_match(terms: str) -> None:
    assert not parse_filter(terms).matches(ENTRY, NOW)


def test_what_a_place_does_not_tell_matches_no_term_but_its_negation() -> None:
    entry = Entry(Request(trace_id=TRACE, started=NOW))
    for term in ("status:200", "method:GET", "duration:>0ms", "user:bob", "route:*"):
        assert not parse_filter(term).matches(entry, NOW)
        assert parse_filter(f"-{term}").matches(entry, NOW)


STATUS = "Write status:404, status:5xx or status:>=500"
DURATION = "Write duration:>200ms or duration:<=1.5s"


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ("status:abc", f"The filter's term 'status:abc' has the value 'abc', which is no status. {STATUS}"),
        ("status:>5xx", f"The filter's term 'status:>5xx' has the value '5xx', which is no status. {STATUS}"),
        ("duration:200ms", f"The filter's term 'duration:200ms' has no operator. {DURATION}"),
        ("duration:>200", f"The filter's term 'duration:>200' has the value '200', which is no duration. {DURATION}"),
        (
            "since:yesterday",
            "The filter's term 'since:yesterday' has the value 'yesterday', which is no time. Write since:10m, with"
            " s, m, h or d",
        ),
        (
            "place:sentry",
            "The filter's term 'place:sentry' has the value 'sentry'. Write place: and one of honeycomb, xray,"
            " cloudwatch, rollbar",
        ),
        ("user:", "The filter's term 'user:' has no value. Write key:value, or a word to look for"),
        (
            "order.total:>much",
            "The filter's term 'order.total:>much' compares with 'much', which is no number. Write order.total:value,"
            " or order.total:>10 for a number",
        ),
        ("user:>5", "The filter's term 'user:>5' has an operator, which only numbers have. Write user:bob or user:b*"),
        ("-", "The filter's term '-' has no value. Write key:value, or a word to look for"),
        (
            "trace:12",
            "ID is '12', which is no trace id. Pass the 32 hex digits of X-Trace-Id, X-Ray's 1-…-…, or a traceparent",
        ),
    ],
)
def test_a_bad_term_is_named_with_its_value_and_the_remedy(terms: str, message: str) -> None:
    with pytest.raises(OperatorError) as error:
        parse_filter(f"method:GET {terms}")
    assert str(error.value) == message


@pytest.mark.parametrize("terms", ['"open', 'a"b', 'user:"b" c"', '"a"b'])
def test_quotation_marks_must_be_closed_and_around_the_whole(terms: str) -> None:
    with pytest.raises(OperatorError, match="quotation mark"):
        parse_filter(terms)


def test_a_long_filter_is_refused() -> None:
    with pytest.raises(OperatorError, match=str(MAX_FILTER)):
        parse_filter("a" * (MAX_FILTER + 1))


def test_any_text_is_a_filter_that_round_trips_or_an_operator_error() -> None:
    chance = random.Random(27)
    parsed = 0
    for _ in range(5_000):
        joints = chance.choices(("", ":", ":>", " ", '"'), k=3)
        terms = " ".join(f"{text(chance)}{each}{text(chance)}" for each in joints)
        try:
            filters = parse_filter(terms)
        except OperatorError:
            continue
        parsed += 1
        assert parse_filter(str(filters)) == filters
        filters.matches(ENTRY, NOW)
    assert parsed > 500


@pytest.mark.parametrize("quoted", ['a "b" \\c', "-a", "status:200", "a b", "\\", '"', "x\ny", "*"])
def test_quoted_text_is_taken_as_it_is(quoted: str) -> None:
    escaped = quoted.replace("\\", "\\\\").replace('"', '\\"')
    [free, attribute] = parse_filter(f'"{escaped}" note:"{escaped}"').terms

    assert (free.value, attribute.value) == (quoted, quoted)
    assert parse_filter(str(free)).terms == (free,)
    assert attribute.matches(Entry(REQUEST, {"note": [quoted]}), NOW)


def test_a_pattern_of_many_wildcards_is_matched_in_no_time() -> None:
    entry = Entry(REQUEST, {"note": ["a" * 200]})
    assert not parse_filter(f"note:{'*a' * 12}*b").matches(entry, NOW)


@pytest.mark.parametrize("written", ["db.system", "db.system.name"])
@pytest.mark.parametrize("asked", ["db.system", "db.system.name"])
def test_an_attribute_that_was_renamed_is_found_by_both_names(written: str, asked: str) -> None:
    entry = Entry(Request(trace_id=TRACE, started=0.0), {written: ["sqlite"]})
    assert parse_filter(f"{asked}:sqlite").matches(entry, 0)
    assert not parse_filter(f"-{asked}:sqlite").matches(entry, 0)
    assert not parse_filter(f"{asked}:mysql").matches(entry, 0)
