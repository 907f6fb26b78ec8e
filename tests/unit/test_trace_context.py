"""Parsing and formatting by W3C "Trace Context Level 2" and "Baggage"."""

from __future__ import annotations

import pytest

from flask_onetrace.telemetry.context.trace_context import (
    TraceParent,
    format_baggage,
    parse_baggage,
    parse_traceparent,
    parse_tracestate,
)
from tests.unit.trace_context_cases import (
    MALFORMED_TRACEPARENTS,
    MALFORMED_TRACESTATES,
    PARENT,
    TRACE,
    VALID,
    VALID_TRACESTATES,
)


def traceparent(*, sampled: bool, random: bool) -> TraceParent:
    return TraceParent(int(TRACE, 16), int(PARENT, 16), sampled, random)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (VALID, traceparent(sampled=True, random=False)),
        (f"00-{TRACE}-{PARENT}-00", traceparent(sampled=False, random=False)),
        (f"00-{TRACE}-{PARENT}-02", traceparent(sampled=False, random=True)),
        (f"00-{TRACE}-{PARENT}-03", traceparent(sampled=True, random=True)),
        (f"00-{TRACE}-{PARENT}-fc", traceparent(sampled=False, random=False)),
        (f"00-{TRACE}-{PARENT}-ff", traceparent(sampled=True, random=True)),
        (f" \t{VALID}\t ", traceparent(sampled=True, random=False)),
        (f"cc-{TRACE}-{PARENT}-01", traceparent(sampled=True, random=False)),
        (f"cc-{TRACE}-{PARENT}-01-", traceparent(sampled=True, random=False)),
        (f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like", traceparent(sampled=True, random=False)),
    ],
)
def test_a_valid_traceparent_is_parsed(header: str, expected: TraceParent) -> None:
    assert parse_traceparent(header) == expected


@pytest.mark.parametrize("header", MALFORMED_TRACEPARENTS.values(), ids=MALFORMED_TRACEPARENTS)
def test_a_malformed_traceparent_is_none(header: str) -> None:
    assert parse_traceparent(header) is None


@pytest.mark.parametrize(("header", "changed"), VALID_TRACESTATES.values(), ids=VALID_TRACESTATES)
def test_a_valid_tracestate_is_kept(header: str, changed: str | None) -> None:
    assert parse_tracestate(header) == (header if changed is None else changed)


@pytest.mark.parametrize("header", MALFORMED_TRACESTATES.values(), ids=MALFORMED_TRACESTATES)
def test_a_malformed_tracestate_is_dropped_whole(header: str) -> None:
    assert parse_tracestate(header) is None


def test_a_tracestate_too_long_to_forward_loses_its_last_long_members() -> None:
    short = [f"s{number}={'v' * 100}" for number in range(10)]
    long = [f"l{number:02}={'v' * 250}" for number in range(22)] + [
        f"{'k' * 250}{number}={'v' * 250}" for number in range(9)
    ]
    members = [each for pair in zip(long, short, strict=False) for each in pair] + long[10:22]
    forwarded = parse_tracestate(",".join(members))
    assert forwarded == ",".join(members), "32 members below the limit are all kept"
    members = long[22:] + long[:13] + short
    forwarded = parse_tracestate(",".join(members))
    assert forwarded is not None
    assert len(forwarded) <= 8192
    assert forwarded.endswith(",".join(short))
    assert forwarded.startswith(",".join(long[22:]))
    assert [each for each in members if each in forwarded.split(",")] == forwarded.split(",")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("user=42", {"user": "42"}),
        (" user\t= 42 , team =\tblue ", {"user": "42", "team": "blue"}),
        ("a=1+2", {"a": "1+2"}),
        ("a=J%C3%BCrgen%20B", {"a": "Jürgen B"}),
        ("a=", {"a": ""}),
        ("a=1;secret;ttl=3,b=2", {"a": "1", "b": "2"}),
        ("a=1,,b", {"a": "1"}),
        ("ä=1,b=é,c=3", {"c": "3"}),
        ("a b=1,c=d e,f=g", {"f": "g"}),
        ("a=\x00,b=2\n,c=3", {"c": "3"}),
        ("=1", {}),
        ("a=%zz", {"a": "%zz"}),
        ("x" * 8193, {}),
        ("a=" + "x" * 8190, {"a": "x" * 8190}),
        ("a=" + "x" * 8191, {}),
    ],
)
def test_only_valid_baggage_members_are_parsed(header: str, expected: dict[str, str]) -> None:
    assert parse_baggage(header) == expected


def test_at_most_180_baggage_members_are_parsed() -> None:
    assert len(parse_baggage(",".join(f"k{number}=v" for number in range(1000)))) == 180


@pytest.mark.parametrize(
    "header", ["user=42", "a=1+2", "a=J%C3%BCrgen%20B", "a=x/y?z=1&w", "a=%25zz", "a=,b=2", "a!b=1", "a=%0A"]
)
def test_baggage_round_trips(header: str) -> None:
    assert format_baggage(parse_baggage(header)) == header


def test_entries_that_no_header_can_carry_are_omitted() -> None:
    assert format_baggage({"a b": 1, "": 2, "big": "x" * 9000, "n": 3, "lone": "\ud800"}) == "n=3,lone=?"


def test_formatted_baggage_is_at_most_8192_characters_long() -> None:
    header = format_baggage({f"k{number}": "é" * 100 for number in range(100)})
    assert 7000 < len(header) <= 8192
