"""Run `cdk diff` and write its output as Markdown, for the comment on a pull request.

The output is the pull request's own text: it is fenced so that none of it is read as Markdown, and bounded.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from operations.pull_request_comment import FOLDER

LIMIT: Final = 27_000
"""Characters of one environment's output: two fit into a comment beside the costs (pull_request_comment.py)."""
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_UNPRINTED: Final = re.compile(r"[^\S\n\t ]|[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that hide or reorder what a reader sees ("Trojan Source")."""
_ACCOUNT: Final = re.compile(r"(?<=aws://)\d{12}|(?<=:)\d{12}(?=:)")
"""Account ids, of stacks and in ARNs: who reads a public repository need not know them."""
_DIFFERENCES: Final = re.compile(r"Number of stacks with differences: (\d+)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the Markdown and print the output; return the exit status of the command."""
    parser = argparse.ArgumentParser(prog="python -m operations.diff_comment", description=__doc__)
    parser.add_argument("--environment", required=True, help="the compared environment")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write (default: %(default)s)")
    parser.add_argument("command", nargs="+", help="the command that compares, after --")
    options = parser.parse_args(arguments)
    # The CDK writes progress and differences to both; the reader wants them in order.
    process = subprocess.run(  # noqa: S603 - the command is the Makefile's
        options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False
    )
    sys.stdout.write(process.stdout)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / f"diff-{options.environment}.md"
    path.write_text(markdown(options.environment, process.stdout, failed=process.returncode != 0), encoding="utf-8")
    return process.returncode


def markdown(environment: str, output: str, *, failed: bool) -> str:
    """Return the section of one environment."""
    text = printable(output).strip()
    return f"### `cdk diff` of {environment}: {_summary(text, failed=failed)}\n\n{fenced(shortened(text))}\n"


def printable(output: str) -> str:
    """Return the output without colours, characters that are not printed, and account ids."""
    return _ACCOUNT.sub("<account>", _UNPRINTED.sub("", _ANSI.sub("", output.replace("\r\n", "\n"))))


def shortened(text: str) -> str:
    """Return the text's first `LIMIT` characters, in whole lines, and how many lines are left out."""
    if len(text) <= LIMIT:
        return text
    start = text[:LIMIT].rpartition("\n")[0] or text[:LIMIT]
    left_out = len(text[len(start) :].removeprefix("\n").splitlines())
    return f"{start}\n[{left_out} lines left out: they are in the job's log]"


def fenced(text: str) -> str:
    """Return the text as a code block whose fence is longer than any run of backticks in it.

    Only a fence of at least the opening's length ends the block ("Fenced code blocks", CommonMark).
    """
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _summary(text: str, *, failed: bool) -> str:
    if failed:
        return "it failed"
    number = sum(int(each) for each in _DIFFERENCES.findall(text))
    return f"{number or 'no'} stack{'' if number == 1 else 's'} would change"


if __name__ == "__main__":
    sys.exit(main())
