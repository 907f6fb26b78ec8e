from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from flask_onetrace.contract import ACCESS_LOGGER
from local.logs.lines import parse
from local.logs.rendering import Renderer
from local.logs.tails import Entry

TRACE_ID = "6b0c91a3d64afda242c5571cbdbc1849"
LINE = {"timestamp": "2026-05-04T03:02:01.500+00:00", "level": "INFO", "logger": "shop", "trace_id": TRACE_ID}
ACCESS = {
    **LINE,
    "logger": ACCESS_LOGGER,
    "message": "GET /orders/7 500",
    "method": "GET",
    "route": "/orders/<int:id>",
    "path": "/orders/7",
    "status": 500,
    "duration_ms": 1234.5,
    "user_id": "andrew",
    "bytes": 3,
    "sampled": 1,
}
TRACEBACK = """Traceback (most recent call last):
  File "/site-packages/flask/app.py", line 1511, in wsgi_app
    response = self.full_dispatch_request()
               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "/srv/shop/orders.py", line 42, in order
    return orders[id]
           ~~~~~~^^^^
  File "/site-packages/store/client.py", line 5, in __getitem__
    raise KeyError(key)
KeyError: 7"""


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what the terminal that runs the tests says of itself."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("TZ", "UTC")


def shown(*entries: Entry | dict[str, Any], width: int = 80, terminal: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=terminal, markup=False, emoji=False, _environ={})
    renderer = Renderer(console)
    for each in entries:
        renderer.print(parse(each if isinstance(each, Entry) else Entry(None, json.dumps(each))))
    return out.getvalue()


def test_a_pipe_gets_one_whole_line_with_the_whole_id_and_no_colour() -> None:
    assert shown(ACCESS) == (
        f"2026-05-04T03:02:01.500Z {TRACE_ID} 500      GET /orders/7  1.23 s  user andrew  /orders/<int:id>\n"
    )


def test_the_exception_is_below_its_line_with_the_frames_of_the_applications_own_code() -> None:
    assert shown({**LINE, "level": "ERROR", "message": "cannot read the order", "exception": TRACEBACK}) == (
        f"2026-05-04T03:02:01.500Z {TRACE_ID} ERROR    cannot read the order\n"
        "    │ … 2 more frames\n"
        "    │ /srv/shop/orders.py:42 in order\n"
        "    │   return orders[id]\n"
        "    │ KeyError: 7\n"
    )


def test_what_the_application_adds_is_below_its_message() -> None:
    assert shown({**LINE, "message": "ordered", "order": 7, "items": ["a"]}).endswith(
        "INFO     ordered\n    │ order=7 items=['a']\n"
    )


def test_the_output_of_a_process_names_it() -> None:
    assert shown(Entry("fakes", "Honeycomb http://127.0.0.1:1")) == "- -          fakes: Honeycomb http://127.0.0.1:1\n"


@pytest.mark.parametrize("width", [60, 80, 119, 120, 200])
def test_a_terminal_gets_nothing_wider_than_it_is(width: int) -> None:
    long = {**LINE, "message": "word " * 100 + "x" * 300, "exception": TRACEBACK}
    lines = shown(ACCESS, long, width=width, terminal=False).splitlines()
    assert max(map(len, lines)) > width
    plain = io.StringIO()
    console = Console(file=plain, width=width, force_terminal=True, no_color=True, color_system=None, _environ={})
    for each in (ACCESS, long):
        Renderer(console).print(parse(Entry(None, json.dumps(each))))
    assert max(map(len, plain.getvalue().splitlines())) <= width


def test_a_terminal_has_the_day_once_and_colours() -> None:
    text = shown(ACCESS, ACCESS, terminal=True)
    assert text.count("Monday, 04 May 2026") == 1
    assert "\x1b[" in text


def test_lines_of_one_request_share_their_colour_and_short_id() -> None:
    first, second = shown({**LINE, "message": "a"}, ACCESS, terminal=True).splitlines()[1:]
    marked = first.partition("bdbc1849")[0].rpartition("\x1b[")[2]
    assert f"{marked}bdbc1849" in second


@pytest.mark.parametrize("hostile", ["\x1b[2J", "\x9b2J", "\r", "\x07", "\u202e", "[bold]x[/bold]", ":smile:", "\x00"])
def test_what_a_client_sent_drives_no_terminal(hostile: str) -> None:
    fields = dict.fromkeys(("path", "method", "route", "user_id", "aborted", "level", "extra"), f"a{hostile}b")
    text = shown({**ACCESS, **fields}, {**LINE, "message": hostile, "exception": hostile}, Entry("x", hostile))
    assert all(each.isprintable() or each == "\n" for each in text)
    assert "[bold]" not in hostile or "[bold]x[/bold]" in text


@pytest.mark.parametrize("value", [None, [], {}, 7, float("nan"), "x" * 10_000, True])
def test_fields_of_any_type_are_shown(value: object) -> None:
    for name in ACCESS:
        text = shown({**ACCESS, name: value, "exception": value})
        assert text.count("\n") < 20
