from __future__ import annotations

from local.commands.table import SHOWN, WIDEST, Answer

ROWS = [{"user_id": "worf", "p99_ms": 12.5}, {"user_id": "a|b", "p99_ms": 3.0, "path": "x" * 60}]


def test_columns_are_aligned_and_what_a_row_lacks_is_a_dash() -> None:
    assert Answer("CloudWatch", "Latency by user id", ROWS).as_text() == (
        "\nCloudWatch: Latency by user id\n"
        "  user_id  p99_ms  path\n"
        "  worf     12.5    -\n"
        f"  a|b      3       {'x' * (WIDEST - 1)}…"
    )


def test_markdown_is_a_table_whose_cells_cannot_break_it() -> None:
    assert Answer("X-Ray", "Group <all>", ROWS).as_markdown() == (
        "\n**X-Ray: Group &lt;all>**\n\n"
        "| user_id | p99_ms | path |\n"
        "| --- | --- | --- |\n"
        "| worf | 12.5 | - |\n"
        f"| a\\|b | 3 | {'x' * (WIDEST - 1)}… |"
    )


def test_of_a_traceback_the_last_line_is_shown() -> None:
    answer = Answer(
        "CloudWatch", "One trace", [{"exception": "Traceback (most recent call last):\n  …\nValueError: no\n"}]
    )
    assert answer.as_text().splitlines()[-1] == "  ValueError: no"


def test_no_rows_are_said_to_be_none() -> None:
    answer = Answer("Honeycomb", "Errors by route", [])
    assert answer.as_text() == "\nHoneycomb: Errors by route\n  nothing"
    assert answer.as_markdown() == "\n**Honeycomb: Errors by route**\n\nNothing."


def test_rows_beyond_those_shown_are_counted() -> None:
    answer = Answer("Honeycomb", "Recent traces", [{"n": number} for number in range(SHOWN + 3)])
    assert answer.as_text().splitlines()[-1] == "  and 3 more"
    assert answer.as_markdown().endswith(f"| {SHOWN - 1} |\n\nand 3 more")
