from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from local.logs.lines import in_order, parse
from local.logs.tails import Entry

MOMENT = datetime(2026, 5, 4, 3, 2, 1, 500_000, tzinfo=UTC)
MILLISECONDS = int(MOMENT.timestamp() * 1000)
TRACE_ID = "6b0c91a3d64afda242c5571cbdbc1849"


def test_a_line_of_the_application_has_its_time_level_message_and_trace() -> None:
    document = {
        "timestamp": MOMENT.isoformat(),
        "level": "WARNING",
        "message": "late",
        "trace_id": TRACE_ID,
        "order": 7,
    }
    line = parse(Entry(None, json.dumps(document)))
    assert (line.time, line.level, line.message, line.trace_id) == (MOMENT, "WARNING", "late", TRACE_ID)
    assert line.extra == {"order": 7}


def test_a_line_of_gunicorn_has_its_time_and_level() -> None:
    line = parse(Entry("service", "[2026-05-04 05:02:01 +0200] [21767] [INFO] Booting worker with pid: 3"))
    assert line.time == MOMENT.replace(microsecond=0)
    assert (line.level, line.message) == ("INFO", "Booting worker with pid: 3")


@pytest.mark.parametrize("trace_id", ["-", "", None, 7, TRACE_ID.upper(), TRACE_ID + "0"])
def test_what_is_no_trace_id_belongs_to_no_request(trace_id: object) -> None:
    assert parse(Entry(None, json.dumps({"trace_id": trace_id}))).trace_id is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1]",
        "null",
        "{" * 100_000,
        '{"timestamp":7}',
        '{"timestamp":"x"}',
        '{"timestamp":"2026-05-04T03:02:01"}',
    ],
)
def test_any_other_text_is_a_message_at_the_time_of_its_event(text: str) -> None:
    line = parse(Entry(None, text, MILLISECONDS))
    assert line.time == MOMENT
    assert line.trace_id is None


@pytest.mark.parametrize("milliseconds", [10**30, -(10**30)])
def test_a_time_that_no_calendar_has_is_none(milliseconds: int) -> None:
    assert parse(Entry(None, "text", milliseconds)).time is None


def test_lines_of_several_sources_are_in_the_order_of_time_and_what_follows_a_line_stays_with_it() -> None:
    entries = [
        Entry("service", "[2026-05-04 03:02:01 +0000] [1] [INFO] started"),
        Entry("service", "  a line of the same"),
        Entry("service", "[2026-05-04 03:02:03 +0000] [1] [INFO] stopped"),
        Entry(None, "request", MILLISECONDS + 1000),
    ]
    assert [each.message for each in in_order([parse(each) for each in entries])] == [
        "started",
        "  a line of the same",
        "request",
        "stopped",
    ]


def test_no_line_is_lost_by_ordering() -> None:
    draw = random.Random(7)
    entries = [
        Entry(draw.choice([None, "a", "b"]), str(number), draw.choice([None, draw.randrange(10**12)]))
        for number in range(500)
    ]
    lines = [parse(each) for each in entries]
    assert sorted(id(each) for each in in_order(lines)) == sorted(map(id, lines))
