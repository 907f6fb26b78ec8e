"""Render log lines for a person: in colour and wrapped at a terminal, one whole line each elsewhere."""

from __future__ import annotations

from datetime import UTC, date
from typing import Final

from rich.console import Console
from rich.text import Text

from local.logs.lines import Line
from local.logs.traceback_text import shortened
from operations.deploy.plain_text import one_line, printable_lines

TRACE_ID_DIGITS: Final = 32
ID_DIGITS: Final = 8
"""Of a trace id, its last: the first are the time. A terminal of `WIDE` columns shows all."""
WIDE: Final = 120
LEVEL_WIDTH: Final = 8
SHORT_LEVELS: Final = {"WARNING": "WARN", "CRITICAL": "FATAL"}
SHORT_LEVEL_WIDTH: Final = 5
PIPE_INDENT: Final = 4
MIN_BODY_WIDTH: Final = 24
SECOND: Final = 1000
"""In milliseconds."""
TRACE_COLORS: Final = ("color(37)", "color(133)", "color(136)", "color(68)", "color(71)", "color(167)")
"""Of middle brightness, which dark and light backgrounds both show. A request's lines share one."""
LEVEL_STYLES: Final = {"DEBUG": "dim", "WARNING": "yellow", "ERROR": "bold red", "CRITICAL": "bold red"}
SHOWN: Final = ("method", "path", "route", "user_id", "aborted")
"""The texts of an access line."""
STATUS_STYLES: Final = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}


class Renderer:
    """Prints lines to a console. A terminal gets local times and short ids, a file or pipe what a program needs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._day: date | None = None

    def print(self, line: Line) -> None:
        """Print one line, and below it what does not fit beside its time."""
        if self._console.is_terminal:
            self._print_day(line)
        prefix = self._prefix(line)
        first, *others = _body(line)
        rows = [first, *others] if not self._console.is_terminal else self._wrapped(first, others, prefix.cell_len)
        margin = Text(" " * (prefix.cell_len - 2 if self._console.is_terminal else PIPE_INDENT))
        for index, row in enumerate(rows):
            start = prefix if index == 0 else margin + Text("│ ", style=_trace_style(line))
            self._console.print(start + row, soft_wrap=True, highlight=False)

    def _wrapped(self, first: Text, others: list[Text], indent: int) -> list[Text]:
        width = max(self._console.width - indent, MIN_BODY_WIDTH)
        return [part for text in (first, *others) for part in _wrap(self._console, text, width)]

    def _print_day(self, line: Line) -> None:
        if line.time is None or (day := line.time.astimezone().date()) == self._day:
            return
        self._day = day
        self._console.print(Text(f"{day:%A, %d %B %Y}", style="bold"), highlight=False)

    def _prefix(self, line: Line) -> Text:
        terminal, trace_id = self._console.is_terminal, line.trace_id or ""
        level_width = SHORT_LEVEL_WIDTH if terminal else LEVEL_WIDTH
        id_width = (TRACE_ID_DIGITS if self._console.width >= WIDE else ID_DIGITS) if terminal else len(trace_id) or 1
        short_id = trace_id[-id_width:] or ("" if terminal else "-")
        level, style = _level(line, short=terminal)
        return Text.assemble(
            (self._time(line), "dim"),
            " ",
            (f"{short_id:{id_width}}", _trace_style(line)),
            " ",
            (f"{level:{level_width}}", style),
            " ",
        )

    def _time(self, line: Line) -> str:
        """Return the local time of day for a terminal, else UTC as ISO 8601 has it."""
        if self._console.is_terminal:
            return f"{line.time.astimezone():%H:%M:%S.%f}"[:-3] if line.time is not None else " " * len("00:00:00.000")
        return f"{line.time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z" if line.time is not None else "-"


def _level(line: Line, *, short: bool) -> tuple[str, str]:
    """Return an access line's status, or any other line's level, and its style."""
    status = line.fields.get("status")
    if line.is_access_line and isinstance(status, int):
        return str(status), STATUS_STYLES.get(status // 100, "")
    level = one_line(line.level)
    return (SHORT_LEVELS.get(level, level)[:SHORT_LEVEL_WIDTH] if short else level), LEVEL_STYLES.get(level, "")


def _body(line: Line) -> list[Text]:
    """Return what a line says, its exception and its further fields, at least one row."""
    rows = [_access(line)] if line.is_access_line else [Text(each) for each in printable_lines(line.message)]
    if line.entry.source is not None:
        rows[0] = Text.assemble((f"{one_line(line.entry.source)}: ", "dim"), rows[0])
    if extra := line.extra:
        pairs = " ".join(f"{one_line(name)}={one_line(value)}" for name, value in extra.items())
        rows.append(Text(pairs, style="dim"))
    exception = line.fields.get("exception")
    if isinstance(exception, str) and exception:
        *frames, last = [each for text in shortened(exception) for each in printable_lines(text)] or [""]
        rows += [*(Text(each, style="dim") for each in frames), Text(last, style="red")]
    return rows


def _access(line: Line) -> Text:
    """Return the method, the path and, where they differ, the route; the duration, the user and why it was aborted."""
    fields = {name: one_line(line.fields[name]) for name in SHOWN if name in line.fields}
    path, route = fields.get("path", ""), fields.get("route", "-")
    text = Text.assemble((fields.get("method", ""), "bold"), f" {path}")
    duration = line.fields.get("duration_ms")
    if isinstance(duration, int | float):
        slow = duration >= SECOND
        text.append(f"  {duration / SECOND:.2f} s" if slow else f"  {duration:.1f} ms", "bold" if slow else "")
    if "user_id" in fields:
        text.append(f"  user {fields['user_id']}")
    if route not in (path, "-"):
        text.append(f"  {route}", "dim")
    if "aborted" in fields:
        text.append(f"  aborted: {fields['aborted']}", "bold red")
    return text


def _trace_style(line: Line) -> str:
    return TRACE_COLORS[int(line.trace_id[-ID_DIGITS:], 16) % len(TRACE_COLORS)] if line.trace_id else "dim"


def _wrap(console: Console, text: Text, width: int) -> list[Text]:
    if text.cell_len <= width:
        return [text]
    indent = len(text.plain) - len(text.plain.lstrip())
    return [text] if indent >= width else list(text.wrap(console, width, no_wrap=False))
