from __future__ import annotations

from local.commands.table import MAX_CELL_WIDTH, MAX_ROWS, ResultTable

ROWS = [{"user_id": "worf", "p99_ms": 12.5}, {"user_id": "a|b", "p99_ms": 3.0, "path": "x" * 60}]


def test_columns_are_aligned_and_a_missing_value_is_a_dash() -> None:
    assert ResultTable("CloudWatch", "Latency by user id", ROWS).as_text() == (
        "\nCloudWatch: Latency by user id\n"
        "  user_id  p99_ms  path\n"
        "  worf     12.5    -\n"
        f"  a|b      3       {'x' * (MAX_CELL_WIDTH - 1)}…"
    )


def test_markdown_escapes_what_would_break_the_table() -> None:
    assert ResultTable("X-Ray", "Group <all>", ROWS).as_markdown() == (
        "\n**X-Ray: Group &lt;all>**\n\n"
        "| user_id | p99_ms | path |\n"
        "| --- | --- | --- |\n"
        "| worf | 12.5 | - |\n"
        f"| a\\|b | 3 | {'x' * (MAX_CELL_WIDTH - 1)}… |"
    )


def test_only_the_last_line_of_a_traceback_is_printed() -> None:
    table = ResultTable(
        "CloudWatch", "One trace", [{"exception": "Traceback (most recent call last):\n  …\nValueError: no\n"}]
    )
    assert table.as_text().splitlines()[-1] == "  ValueError: no"


def test_an_empty_result_says_so() -> None:
    table = ResultTable("Honeycomb", "Errors by route", [])
    assert table.as_text() == "\nHoneycomb: Errors by route\n  no rows"
    assert table.as_markdown() == "\n**Honeycomb: Errors by route**\n\nNo rows."


def test_rows_beyond_the_limit_are_counted() -> None:
    table = ResultTable("Honeycomb", "Recent traces", [{"n": number} for number in range(MAX_ROWS + 3)])
    assert table.as_text().splitlines()[-1] == "  and 3 more"
    assert table.as_markdown().endswith(f"| {MAX_ROWS - 1} |\n\nand 3 more")
