"""Logs Insights commands behave as in AWS's user guide; unsupported syntax is an error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local.emulator.logs.insights.grammar import MAX_QUERY, QueryError
from local.emulator.logs.insights.query import run

LINES: list[dict[str, Any] | str] = [
    {"route": "/home", "status": 200, "ms": 10, "user": "andrew", "nested": {"list": [1, {"deep": "x"}]}},
    {"route": "/home", "status": 200, "ms": 30, "user": "worf", "ok": True},
    {"route": "/home", "status": 500, "ms": 20, "user": None},
    {"route": "/fault", "status": 500, "ms": 5.5, "user-id": 7},
    "no JSON at all",
]
EVENTS = [
    {
        "@timestamp": f"2026-11-24 12:0{number}:07.250",
        "@message": line if isinstance(line, str) else json.dumps(line),
        "@logStream": "task/1",
        "@log": "group",
        "@ptr": f"pointer-{number}",
    }
    for number, line in enumerate(LINES)
]


def rows(query: str) -> list[dict[str, str]]:
    return [{column["field"]: column["value"] for column in row} for row in run(query, EVENTS)]


def column(query: str, name: str = "@ptr") -> list[str]:
    return [row[name].removeprefix("pointer-") for row in rows(query)]


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ("status = 500", "23"),
        ('status = "500"', "23"),
        ("status != 200", "234"),
        ("status > 200 and ms < 10", "3"),
        ("status <= 200 or ms >= 20", "012"),
        ("not status = 200", "234"),
        ('route = "/home" and (status = 500 or user = "worf")', "12"),
        ("ispresent(user)", "01"),
        ("not ispresent(route)", "4"),
        ("route like /fau/", "3"),
        ("route like 'ho'", "012"),
        ("route not like /(?i)HOME/", "34"),
        ('user in ["andrew", "worf"]', "01"),
        ("status not in [200, 404]", "234"),
        ("nested.list.1.deep = 'x'", "0"),
        ("`user-id` = 7", "3"),
        ("ok = 'true'", "1"),
        ("@message like /no JSON/", "4"),
        ("user = 'it\\'s'", ""),
    ],
)
def test_filter_keeps_matching_events(condition: str, matches: str) -> None:
    assert column(f"filter {condition}") == list(matches)


@pytest.mark.parametrize(
    ("key", "order"),
    [
        ("ms", "30214"),
        ("ms desc", "12034"),
        ("status desc, ms", "32014"),
        ("user", "01234"),
        ("@timestamp desc", "43210"),
    ],
)
def test_sort_orders_numbers_numerically_and_missing_fields_last(key: str, order: str) -> None:
    assert column(f"sort {key}") == list(order)


def test_fields_and_display_choose_the_columns_without_missing_fields() -> None:
    first, second, *_ = rows("fields route | fields user, nested.list.0 | limit 2")
    assert first == {"route": "/home", "user": "andrew", "nested.list.0": "1", "@ptr": "pointer-0"}
    assert second == {"route": "/home", "user": "worf", "@ptr": "pointer-1"}
    assert rows("fields route | display status | limit 1") == [{"status": "200", "@ptr": "pointer-0"}]
    assert list(rows("limit 1")[0]) == ["@timestamp", "@message", "@logStream", "@log", "@ptr"]


def test_stats_aggregates_each_group() -> None:
    query = """# a comment
    filter ispresent(ms)
    | stats count(*) as n, count(user) as users, count_distinct(status) as kinds, sum(ms), avg(ms), min(ms), max(ms),
        pct(ms, 50) as p50, pct(ms, 99) as p99 by route
    | sort n desc"""
    home = {"route": "/home", "n": "3", "users": "2", "kinds": "2", "sum(ms)": "60", "avg(ms)": "20", "min(ms)": "10"}
    fault = {"route": "/fault", "n": "1", "users": "0", "kinds": "1", "sum(ms)": "5.5", "avg(ms)": "5.5"}
    assert rows(query) == [
        home | {"max(ms)": "30", "p50": "20", "p99": "30"},
        fault | {"min(ms)": "5.5", "max(ms)": "5.5", "p50": "5.5", "p99": "5.5"},
    ]


def test_stats_groups_by_time_bins() -> None:
    assert rows("stats count(*) as n by bin(2m) | sort n desc | limit 1") == [
        {"bin(2m)": "2026-11-24 12:00:00.000", "n": "2"}
    ]
    assert column("stats avg(ms) as mean by bin(1h) as hour", "mean") == ["16.375"]


def test_stats_can_aggregate_stats_once() -> None:
    assert rows("stats count(*) as n by route | stats max(n) as most") == [{"most": "3"}]


def test_display_may_follow_limit() -> None:
    assert rows("fields route, ms | sort ms desc | limit 1 | display ms") == [{"ms": "30", "@ptr": "pointer-1"}]


def test_without_events_a_count_is_zero_and_a_mean_is_missing() -> None:
    assert rows("filter status = 1 | stats count(*) as n, avg(ms) as mean") == [{"n": "0"}]
    assert rows("filter status = 1 | stats count(*) as n by route") == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("parse @message '*' as a", "line 1 column 1: \"parse @message '*' as a\""),
        ("fields a\n| dedup b", "line 2 column 3: 'dedup b'"),
        ("filter a", "the query ends too early"),
        ("stats stddev(ms)", "'stddev(ms)'"),
        ("stats sum(*)", "sum(*) is not a number"),
        ("stats pct(ms)", "pct takes a field and a percentage"),
        ("stats avg(ms, 3)", "avg takes one field"),
        ("stats pct(ms, 101)", "between 0 and 100: 101"),
        ("stats count(*) by bin(0m)", "bin(0m) is empty"),
        ("limit 2 | sort ms", "not emulated: limit before sort"),
        ("limit 2 | filter status = 200", "not emulated: limit before filter"),
        ("fields ms | limit 2 | display ms | stats count(*)", "not emulated: limit before stats"),
        ("limit 2 | limit 1", "not emulated: limit before limit"),
        (" | ".join(["stats count(*) as n by n"] * 3), "2 stats commands at most: this one has 3"),
        ("filter @message like /(/", "the regular expression /(/ is malformed"),
        (f"filter a = '{'x' * MAX_QUERY}'", f"{MAX_QUERY} are allowed"),
    ],
)
def test_unsupported_syntax_is_an_error_with_its_position(query: str, message: str) -> None:
    with pytest.raises(QueryError) as error:
        run(query, EVENTS)
    assert message in str(error.value)
