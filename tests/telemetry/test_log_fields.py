"""What `extra` gives a log record reaches its line: as fields, without secrets, and beside the line's own."""

from __future__ import annotations

import json
import logging
import random
from typing import Any

import pytest
from flask import Flask

from flask_onetrace import telemetry
from flask_onetrace.contract import ACCESS_LOGGER
from flask_onetrace.telemetry.log_fields import PLAIN_ATTRIBUTES
from flask_onetrace.telemetry.log_lines import MAX_LINE, LineFormat, LogLine, capture, encode
from flask_onetrace.telemetry.redaction.limits import CUT
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.fuzz.test_fuzz_targets import ROUNDS, SEED
from tests.telemetry.fuzz.values import key, value
from tests.telemetry.segments import get_trace_id

LINE_FORMAT = LineFormat(version="1.0", access_logger=ACCESS_LOGGER)
OWN = ("timestamp", "level", "logger", "version", "message", "trace_id", "span_id", "xray_trace_id")
EXAMPLES = min(10 * ROUNDS, 1_000)


def record(extra: dict[Any, Any], **standard: Any) -> logging.LogRecord:  # noqa: ANN401 - any attribute
    """Return what `log.info("paid", extra=extra)` makes; a name may be no text, as `logging` does not look."""
    return logging.getLogger("shop").makeRecord("shop", logging.INFO, "", 0, "paid", (), None, extra=extra, **standard)


def line_of(made: logging.LogRecord) -> Document:
    line: Document = json.loads(encode(capture(made), LINE_FORMAT))
    return line


def fields_of(made: logging.LogRecord) -> Document:
    return {name: each for name, each in line_of(made).items() if name not in OWN}


def test_an_extra_of_a_handlers_log_call_is_a_field_of_its_line(app: Flask, backends: FakeBackends) -> None:
    @app.get("/pay")
    def pay() -> str:
        logging.getLogger("shop").info("paid", extra={"order": 7, "card": {"number": "4111 1111 1111 1111"}})
        return ""

    trace_id = get_trace_id(app, "/pay")
    line = eventually(lambda: backends.lines_of(trace_id), 2)[0]
    assert (line["message"], line["order"], line["route"]) == ("paid", 7, "/pay")
    assert "4111" not in json.dumps(line)


def test_a_record_without_extra_has_no_further_fields() -> None:
    assert fields_of(record({})) == {}
    plain = logging.getLogger("shop").makeRecord("shop", logging.INFO, "", 0, "paid", (), None)
    assert len(vars(plain)) == PLAIN_ATTRIBUTES
    logging.Formatter("%(asctime)s %(message)s").format(plain)  # another handler's: it adds attributes
    line = capture(plain)
    assert isinstance(line, LogLine)
    assert line.fields is None


def test_extra_and_its_fields_are_one() -> None:
    assert fields_of(record({"order": 7, "fields": {"shop": "a", "count": 3}})) == {"order": 7, "shop": "a", "count": 3}


def test_of_the_same_name_in_both_neither_is_lost() -> None:
    made = record({"order": 7, "fields": {"order": 8, "extra.order": 9}})
    assert fields_of(made) == {"order": 8, "extra.order": 9, "extra.extra.order": 7}


def test_fields_that_are_no_mapping_are_a_field_of_that_name() -> None:
    assert fields_of(record({"fields": ["no", "mapping"]})) == {"fields": ["no", "mapping"]}


def test_the_members_of_a_message_give_way_to_an_extra() -> None:
    made = logging.makeLogRecord({"name": "shop", "msg": {"a": 1, "b": 2}, "b": 3})
    assert fields_of(made) == {"a": 1, "b": 3, "extra.b": 2}


FORGED = dict.fromkeys([each for each in OWN if each != "message"], "forged") | {"count": 3, "lone": "\udc80"}


@pytest.mark.parametrize("extra", [FORGED, {"fields": FORGED}], ids=["extra", "fields"])
def test_the_lines_own_fields_win_and_the_others_are_kept(extra: dict[str, Any]) -> None:
    line = line_of(record(extra))
    assert (line["logger"], line["level"], line["trace_id"], line["version"]) == ("shop", "INFO", "-", "1.0")
    assert line["timestamp"].endswith("+00:00")
    assert {line[f"extra.{name}"] for name in OWN if name != "message"} == {"forged"}
    assert (line["count"], line["lone"]) == (3, "?")


def test_the_requests_fields_and_the_exception_win_too(app: Flask, backends: FakeBackends) -> None:
    extra = {"user_id": "mallory", "route": "/forged", "exception": "none"}

    @app.get("/pay")
    def pay() -> str:
        telemetry.identify("alice")
        logging.getLogger("shop").error("failed", exc_info=ValueError("late"), extra=extra)
        return ""

    trace_id = get_trace_id(app, "/pay")
    line = eventually(lambda: backends.lines_of(trace_id), 2)[0]
    assert (line["user_id"], line["route"], "late" in line["exception"]) == ("alice", "/pay", True)
    assert (line["extra.user_id"], line["extra.route"], line["extra.exception"]) == ("mallory", "/forged", "none")


def test_an_extra_with_the_name_of_the_access_lines_scope_is_a_field() -> None:
    assert fields_of(record({"request_scope": "mine"})) == {"request_scope": "mine"}


def test_what_libraries_add_to_records_is_a_field_and_what_logging_adds_is_none() -> None:
    libraries = {"otelTraceID": "0af7", "otelTraceSampled": False, "color_message": "\x1b[31mred", "rollbar_uuid": "1"}
    assert fields_of(record({**libraries})) == libraries
    made = record({})
    vars(made).update(taskName="Task-1", asctime="now")
    assert fields_of(made) == {}


def test_secrets_are_redacted_by_name_and_by_value() -> None:
    extra = {"password": "hunter22", "order": {"api_key": "k3y"}, "url": "https://a:b3c@host/", "note": "Bearer s3cr3t"}
    fields = fields_of(record(extra))
    assert (fields["password"], fields["order"]) == ("REDACTED", {"api_key": "REDACTED"})
    assert not [secret for secret in ("hunter22", "k3y", "b3c", "s3cr3t") if secret in json.dumps(fields)]


def test_names_that_are_no_text_are_shown_as_text() -> None:
    assert fields_of(record({7: "seven", None: 1, ("a",): 2})) == {"7": "seven", "None": 1, "('a',)": 2}


def test_large_and_cyclic_values_are_cut() -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    large = {f"name{number}": "x" * 100_000 for number in range(100)}
    text = encode(capture(record({"cycle": cycle, "fields": {"before": 1}, **large})), LINE_FORMAT)
    assert len(text.encode()) <= MAX_LINE
    line = json.loads(text)
    assert line["before"] == 1
    assert line["name0"].endswith("…")


@pytest.mark.parametrize("number", range(EXAMPLES))
def test_any_extra_leaves_the_line_its_own_fields_and_loses_no_ordinary_one(number: int) -> None:
    rng = random.Random(f"{SEED} extra {number}")
    plain = line_of(record({}))
    odd = {key(rng): value(rng) for _ in range(rng.randrange(4))}
    made = record({"order": 7, "fields": rng.choice([{"count": 3, **odd}, {"count": 3}])})
    for name, each in odd.items():
        if not (type(name) is str and name in vars(made)):
            vars(made)[name] = each
    line = line_of(made)
    assert {name: line[name] for name in OWN[1:]} == {name: plain[name] for name in OWN[1:]}
    # An ellipsis says that the limits of all fields together left some out.
    assert CUT in line or (line["order"], line["count"]) == (7, 3)
