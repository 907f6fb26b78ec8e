"""The output of `cdk diff` becomes Markdown that none of its text can leave."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from operations.diff_comment import LIMIT, main, markdown

DIFF = "Stack Cruddur-dev-Service\n[~] AWS::ECS::TaskDefinition Task\n\n✨  Number of stacks with differences: 1\n"


def block(text: str) -> tuple[str, str]:
    """Return the fence and the content of the only code block, read as CommonMark does."""
    lines = text.split("\n\n", 1)[1].splitlines()
    fence = re.fullmatch(r"(`{3,})text", lines[0])
    assert fence is not None
    closing = [
        number for number, line in enumerate(lines[1:], 1) if re.fullmatch(rf" {{0,3}}`{{{len(fence[1])},}} *", line)
    ]
    assert closing == [len(lines) - 1]
    return fence[1], "\n".join(lines[1:-1])


def test_a_diff_is_one_section_with_its_output_in_a_code_block() -> None:
    text = markdown("dev", DIFF, failed=False)
    assert text.startswith("### `cdk diff` of dev: 1 stack would change\n")
    assert block(text) == ("```", DIFF.strip())


@pytest.mark.parametrize("backticks", [3, 4, 17])
def test_backticks_in_the_output_do_not_end_the_block(backticks: int) -> None:
    output = f"[+] {'`' * backticks}\n{'`' * backticks}\n# a heading @everybody <img src=x>\n"
    fence, content = block(markdown("dev", output, failed=False))
    assert len(fence) == backticks + 1
    assert content == output.strip()


def test_colours_and_characters_that_hide_text_are_left_out() -> None:
    output = "\x1b[32m[+]\x1b[39m A\u202e\u2066B\u200b\r\nC\x00\tD\x07\u2028"
    assert block(markdown("dev", output, failed=False))[1] == "[+] AB\nC\tD"


def test_account_ids_are_left_out() -> None:
    output = "Stack A (aws://123456789012/us-east-1)\n[+] arn:aws:sns:us-east-1:123456789012:topic 123456789012"
    assert block(markdown("dev", output, failed=False))[1] == (
        "Stack A (aws://<account>/us-east-1)\n[+] arn:aws:sns:us-east-1:<account>:topic 123456789012"
    )


def test_a_long_output_is_cut_at_a_line_and_says_so() -> None:
    lines = [f"[+] AWS::SQS::Queue Queue{number:05}" for number in range(2_000)]
    _, content = block(markdown("dev", "\n".join(lines), failed=False))
    *shown, note = content.splitlines()
    assert len(content) < LIMIT + 100
    assert shown == lines[: len(shown)]
    assert note == f"[{2_000 - len(shown)} lines left out: they are in the job's log]"
    assert "1 lines left out" in block(markdown("dev", "x" * (LIMIT + 1), failed=False))[1]


@pytest.mark.parametrize(
    ("output", "failed", "summary"),
    [
        ("✨  Number of stacks with differences: 0", False, "no stacks would change"),
        ("✨  Number of stacks with differences: 2", False, "2 stacks would change"),
        ("error: environment 'prod' has no domain", True, "it failed"),
    ],
)
def test_the_heading_says_how_many_stacks_change(output: str, failed: bool, summary: str) -> None:  # noqa: FBT001 - a parameter of the test
    assert markdown("prod", output, failed=failed).startswith(f"### `cdk diff` of prod: {summary}\n")


def test_both_streams_are_written_and_the_exit_status_is_the_commands(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    script = "import sys; print('out', flush=True); print('err', file=sys.stderr); sys.exit(3)"
    assert main(["--environment", "dev", "--folder", str(tmp_path / "new"), "--", sys.executable, "-c", script]) == 3
    assert block((tmp_path / "new" / "diff-dev.md").read_text(encoding="utf-8"))[1] == "out\nerr"
    assert capfd.readouterr().out == "out\nerr\n"
