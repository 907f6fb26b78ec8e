"""Turn what AWS and containers report into lines that are safe to print."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from operations.errors import without_credentials

LONGEST_LINE: Final = 600
"""Characters. A log event has up to 256 KiB ("CloudWatch Logs quotas")."""
CUT: Final = " …"


def one_line(value: object) -> str:
    """Return `value` as one line: without credentials, and without characters that would drive the terminal."""
    return printable_lines(" ".join(str(value).split()))[0]


def printable_lines(text: str) -> list[str]:
    """Return the lines of `text`, at least one, each as `one_line` returns it but with its indentation."""
    return [_shortened(_printable(line)) for line in without_credentials(text).splitlines() or [""]]


def clock_time(moment: datetime | None) -> str:
    """Return the local time of day, empty where AWS named none."""
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""


def _printable(line: str) -> str:
    return "".join(each if each.isprintable() else "�" for each in line.expandtabs(4)).rstrip()


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - len(CUT)] + CUT
