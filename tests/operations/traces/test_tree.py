"""What `make trace` prints, whole, for a terminal of 80 columns."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from operations.traces.document import Json, Place
from operations.traces.tree import print_trace, rendered
from operations.traces.waterfall import waterfall
from tests.operations.traces.examples import ITEMS, LINES, SEGMENTS, SPANS, TRACE, WHOLE, line, span, trace_of


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def lines_of(items: dict[Place, list[Json]], width: int = 80, *, is_unicode: bool = True) -> list[str]:
    return [each.plain.rstrip() for each in rendered(trace_of(items), width, is_unicode=is_unicode)]


def test_the_whole_trace_is_printed() -> None:
    assert lines_of(WHOLE) == [
        "GET /orders/7  500  39.5 ms                              2026-11-29 20:56:58.000",
        "KeyError: 'total'",
        "route /orders/<id>   user bob   version 1.2.3   sampled, stands for 10 requests",
        "trace  6b0c919a7735994d61ed9abf595dfc91",
        "X-Ray  1-6b0c919a-7735994d61ed9abf595dfc91",
        "",
        "Honeycomb  2 spans   CloudWatch Logs  3 lines                       0 to 40.0 ms",
        "GET /orders/<id>  ███████████████████████████████████████████████████    40.0 ms",
        "│  ·   +5.0 ms INFO looking for order 7",
        "└─ SELECT orders              ██████                                      5.0 ms",
        "      ·  +12.0 ms DEBUG one row",
        "   ·  +39.0 ms ERROR GET /orders/7 500 in 39.5 ms",
        "",
        "X-Ray  1 segment, 1 subsegment",
        "  Backend-Flask  500  fault",
        "    @tenant       blue",
        "    cause         KeyError: 'total'",
        "    at            /app/orders.py:12 in show",
        "    orders@db",
        "      sql           sanitized_query=SELECT total FROM orders WHERE id = ?",
        "",
        "Rollbar  1 item",
        "  KeyError: 'total'",
        "    at            /app/orders.py:12 in show: return order['total']",
        "    locals        order={}",
        "    level         error",
        "    person        bob",
        "    uuid          b5c81a71-7401-4ac6-9672-1d7faed6462d",
    ]


def test_a_place_without_anything_says_why_and_the_segments_are_the_waterfall() -> None:
    assert lines_of({Place.XRAY: SEGMENTS, Place.CLOUDWATCH: [line(1, "a line", span_id="f" * 16)]}) == [
        "GET /orders/7  500  40.0 ms                              2026-11-29 20:56:58.000",
        "KeyError: 'total'",
        "trace  6b0c919a7735994d61ed9abf595dfc91",
        "X-Ray  1-6b0c919a-7735994d61ed9abf595dfc91",
        "",
        "X-Ray's segments                                                    0 to 40.0 ms",
        "Backend-Flask  ██████████████████████████████████████████████████████    40.0 ms",
        "└─ orders@db                ███████                                       5.0 ms",
        "",
        "CloudWatch Logs  1 line of no span above",
        "  ·   +1.0 ms INFO a line",
        "",
        "X-Ray  1 segment, 1 subsegment",
        "  Backend-Flask  500  fault",
        "    @tenant       blue",
        "    cause         KeyError: 'total'",
        "    at            /app/orders.py:12 in show",
        "    orders@db",
        "      sql           sanitized_query=SELECT total FROM orders WHERE id = ?",
        "",
        "Honeycomb       The request was not sampled. Raise the rate.",
        "Rollbar         The request was not sampled. Raise the rate.",
    ]


def test_no_line_is_wider_than_the_terminal() -> None:
    spans = [*SPANS, span("3" * 16, SPANS[1]["span_id"], "日本" * 60, at=12, ms=1)]
    items = {**WHOLE, Place.HONEYCOMB: spans, Place.CLOUDWATCH: [*LINES, line(20, "word " * 200)]}
    for width in (60, 80, 100, 160):
        assert [each.plain for each in rendered(trace_of(items), width) if each.cell_len > width] == []


def test_without_unicode_the_tree_is_drawn_in_ascii() -> None:
    assert all(each.isascii() for each in lines_of({**WHOLE, Place.CLOUDWATCH: []}, is_unicode=False))


def test_what_drives_a_terminal_is_replaced() -> None:
    hostile = "\x1b[2J\x07\u202etxt [bold]x[/bold]"
    items = {
        Place.HONEYCOMB: [span("1" * 16, None, hostile, at=0, ms=1, status={"code": "error", "message": hostile})],
        Place.XRAY: [{**SEGMENTS[0], "name": hostile, "annotations": {hostile: hostile}}],
        Place.CLOUDWATCH: [line(0, hostile, level=hostile, exception=hostile)],
        Place.ROLLBAR: [{**ITEMS[0], "level": hostile}],
    }
    text = "\n".join(lines_of(items))
    assert [each for each in text if not each.isprintable() and each != "\n"] == []
    assert "[bold]x[/bold]" in text


def test_a_terminal_gets_colours_unless_no_color_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def printed(*, is_terminal: bool) -> str:
        out = io.StringIO()
        print_trace(Console(file=out, force_terminal=is_terminal, width=80), trace_of(WHOLE))
        assert TRACE in out.getvalue()
        return out.getvalue()

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;31m" in printed(is_terminal=True)
    assert "\x1b" not in printed(is_terminal=False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in printed(is_terminal=True)


def test_a_thousand_spans_are_printed_in_a_moment() -> None:
    spans = [
        span(f"{number:016x}", f"{number // 3:016x}" if number > 1 else None, f"span {number}", at=number, ms=50)
        for number in range(1, 1001)
    ]
    begin = time.process_time()
    assert len(lines_of({Place.HONEYCOMB: spans})) > 1000
    assert time.process_time() - begin < 5


def test_a_cycle_and_a_deep_chain_of_spans_are_printed() -> None:
    cycle = [span("1" * 16, "2" * 16, "a", at=0, ms=1), span("2" * 16, "1" * 16, "b", at=1, ms=1)]
    chain = [span(f"{n:016x}", f"{n - 1:016x}", f"deep {n}", at=n, ms=1) for n in range(10, 2000)]
    flow = waterfall(trace_of({Place.HONEYCOMB: [*cycle, *chain]}))
    names = [row.node.name for row in flow.rows() if row.node is not None]
    assert sorted(names) == sorted(each["name"] for each in [*cycle, *chain])
    assert len(lines_of({Place.HONEYCOMB: chain})) > len(chain)


def test_the_fields_that_the_application_gave_stand_beside_the_message() -> None:
    own = line(5, "closing ticket", ticket=13, by="ada", status="closed", parts={"a": 1})
    printed = "\n".join(lines_of({**WHOLE, Place.CLOUDWATCH: [own, *LINES]}, width=160))
    assert "INFO closing ticket  ticket=13  by=ada  status=closed  parts=a=1" in printed
    assert "ERROR GET /orders/7 500 in 39.5 ms\n" in printed


@pytest.mark.parametrize(
    ("name", "attributes", "shown"),
    [
        ("GET", {"http.method": "GET", "server.address": "h.test", "http.status_code": 503}, "GET h.test 503"),
        ("GET", {"http.method": "GET", "net.peer.name": "h.test"}, "GET h.test"),
        ("GET h.test/x", {"http.request.method": "GET", "server.address": "h.test"}, "GET h.test/x"),
        ("SELECT", {"db.system": "sqlite", "server.address": "h.test"}, "SELECT"),
    ],
)  # fmt: skip
def test_an_outgoing_call_has_its_host_and_status(name: str, attributes: Json, shown: str) -> None:
    call = span("3" * 16, SPANS[0]["span_id"], name, at=1, ms=2, kind="client", attributes=attributes)
    [root] = waterfall(trace_of({Place.HONEYCOMB: [SPANS[0], call]})).roots
    assert [each.name for each in root.children] == [shown]


def test_frames_of_libraries_are_folded_unless_one_raised() -> None:
    def frame(filename: str, line: int) -> Json:
        return {"filename": filename, "lineno": line, "method": "f"}

    library = "/v/lib/python3.13/site-packages/flask/app.py"
    frames = [frame("/app/a.py", 1), frame(library, 2), frame("/app/b.py", 3), frame("/usr/lib/python3.13/json.py", 4)]
    body = {"trace": {"exception": {"class": "KeyError"}, "frames": frames}}
    printed = lines_of({**WHOLE, Place.ROLLBAR: [{**ITEMS[0], "body": body}]})
    assert [each.split()[1] for each in printed[printed.index("Rollbar  1 item") :] if each.startswith("    at ")] == [
        "/usr/lib/python3.13/json.py:4",
        "/app/b.py:3",
        "/app/a.py:1",
    ]
