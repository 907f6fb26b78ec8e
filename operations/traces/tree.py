"""Print one trace: its waterfall with the log lines, then what X-Ray and Rollbar add, and what is missing.

What a place returned is printed as text: without markup, and without characters that would drive the terminal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.text import Text

from flask_onetrace.contract import ACCESS_LOGGER, LOGGER_FIELD
from operations.deploy.plain_text import one_line
from operations.traces import facts, summary
from operations.traces.document import Json, Place, Reason, Trace
from operations.traces.waterfall import Node, Row, Waterfall, waterfall

MIN_WIDTH: Final = 60
PIPE_WIDTH: Final = 120
"""Columns where the output is no terminal."""
MAX_WIDTH: Final = 160
_DURATION: Final = 11
"""Columns of a duration and the space before it."""
_NAME_SHARE: Final = 0.5
_STATUS_STYLES: Final = {2: "green", 3: "cyan", 4: "yellow", 5: "bold red"}
LEVEL_STYLES: Final = {"DEBUG": "dim", "INFO": "", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
_BAR_STYLES: Final = {"browser": "magenta", "server": "cyan", "client": "blue"}
_MAX_LINES: Final = 4
"""Of a value, a message or a log line."""
_MIN_TEXT: Final = 20
_LABEL: Final = 16
"""Columns of the label of a fact."""


def print_trace(console: Console, trace: Trace) -> None:
    """Print the trace as wide as the terminal, and 120 columns wide elsewhere."""
    width = min(max(console.width, MIN_WIDTH), MAX_WIDTH) if console.is_terminal else PIPE_WIDTH
    for line in rendered(trace, width, is_unicode=console.encoding.lower().startswith("utf")):
        console.print(line, soft_wrap=True, highlight=False)


def rendered(trace: Trace, width: int, *, is_unicode: bool = True) -> Iterator[Text]:
    """Yield the lines, none wider than `width` columns but for URLs and ids."""
    page = _Page(width, is_unicode=is_unicode)
    yield from page.header(trace)
    flow = waterfall(trace)
    if flow.roots:
        yield from page.waterfall(flow, trace)
    yield from page.other_lines(flow)
    yield from page.segments(trace)
    yield from page.items(trace)
    yield from page.missing(trace)
    yield from page.links(trace)


class _Page:
    def __init__(self, width: int, *, is_unicode: bool) -> None:
        self.width = width
        self._wrapper = Console(width=width, color_system=None)
        self.guides = ("│  ", "├─ ", "└─ ", "   ") if is_unicode else ("|  ", "|- ", "`- ", "   ")
        self.bar = "█" if is_unicode else "#"
        self.point = "▏" if is_unicode else "|"
        self.dot = "·" if is_unicode else "."

    def header(self, trace: Trace) -> Iterator[Text]:
        request = trace.request
        if request is not None:
            name = one_line(" ".join(filter(None, (request.method, request.path)))) or "trace"
            line = Text.assemble((name, "bold"))
            if request.status is not None:
                line.append(f"  {request.status}", style=status_style(request.status))
            if request.duration_ms is not None:
                line.append(f"  {duration(request.duration_ms)}")
            started = datetime.fromtimestamp(request.started, UTC).astimezone()
            yield self._beside(line, Text.assemble((started.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], "dim")))
            if request.exception:
                yield from self._wrapped("", Text.assemble((one_line(request.exception), "red")))
            if known := facts.of_request(trace):
                yield from self._wrapped("", Text("   ".join(map(one_line, known))))
        yield Text.assemble(("trace  ", "dim"), (trace.trace_id, "bold"))
        yield Text.assemble(("X-Ray  ", "dim"), trace.xray_trace_id)

    def waterfall(self, flow: Waterfall, trace: Trace) -> Iterator[Text]:
        spans, lines = trace.places[Place.HONEYCOMB].items, trace.places[Place.CLOUDWATCH].items
        title = (
            self._title(Place.HONEYCOMB, counted(len(spans), "span"))
            if spans
            else Text.assemble((f"{Place.XRAY.label}'s segments", "bold"))
        )
        if len(lines) > len(flow.other_lines):
            title += self._title(Place.CLOUDWATCH, counted(len(lines) - len(flow.other_lines), "line"), "   ")
        yield Text()
        yield self._beside(title, Text.assemble((f"0 to {duration((flow.end - flow.start) * 1000)}", "dim")))
        rows = list(flow.rows())
        longest = max(len(self._guide(row)) + len(row.node.name) for row in rows if row.node is not None) + 2
        width = min(longest, int(self.width * _NAME_SHARE))
        for row in rows:
            guide = Text.assemble((self._guide(row), "dim"))
            if row.node is not None:
                yield self._span(row.node, guide, width) + self._bar(row.node, flow, self.width - width - _DURATION)
            elif row.line is not None:
                yield from self._line(row.line, flow.start, guide)

    def other_lines(self, flow: Waterfall) -> Iterator[Text]:
        if flow.other_lines:
            yield Text()
            of = " of no span above" if flow.roots else ""
            yield self._title(Place.CLOUDWATCH, f"{counted(len(flow.other_lines), 'line')}{of}")
        for line in flow.other_lines:
            yield from self._line(line, flow.start, Text("  "))

    def segments(self, trace: Trace) -> Iterator[Text]:
        documents = trace.places[Place.XRAY].items
        if documents:
            yield Text()
            yield self._title(Place.XRAY, facts.count_segments(documents))
        for depth, node, rows in facts.of_segments(documents):
            if depth and not rows:
                continue  # the waterfall shows it
            name = Text(f"{'  ' * (depth + 1)}{one_line(node.get('name', ''))}")
            status = facts.status_of(node)
            if status is not None:
                name.append(f"  {status}", style=status_style(status))
            name.append("".join(f"  {each}" for each in facts.flags(node)), style="red")
            yield self._fit(name)
            yield from self._rows(rows, "  " * (depth + 2))

    def items(self, trace: Trace) -> Iterator[Text]:
        items = trace.places[Place.ROLLBAR].items
        if items:
            yield Text()
            yield self._title(Place.ROLLBAR, counted(len(items), "item"))
        for item in items:
            yield from self._wrapped("  ", Text.assemble((one_line(summary.title(item)), "red")))
            yield from self._rows(facts.of_item(item), "    ")

    def missing(self, trace: Trace) -> Iterator[Text]:
        absences = [(place, content.absence) for place, content in trace.places.items() if content.absence is not None]
        if absences:
            yield Text()
        for place, absence in absences:
            style = "dim" if absence.reason is Reason.NO_ERROR else "bold yellow"
            remedy = f" {one_line(absence.remedy)}." if absence.remedy else ""
            text = Text.assemble(one_line(absence.message), (remedy, "dim"))
            yield from self._wrapped(Text.assemble((f"{place.label:{_LABEL}}", style)), text)

    def links(self, trace: Trace) -> Iterator[Text]:
        urls = [(place.label, content.url) for place, content in trace.places.items() if content.url]
        if urls:
            yield Text()
        for label, url in urls:
            yield Text.assemble((f"{label:{_LABEL}}", "dim"), one_line(url))

    def _rows(self, rows: Iterable[tuple[str, str]], indent: str) -> Iterator[Text]:
        for label, value in rows:
            yield from self._wrapped(Text.assemble(indent, (f"{one_line(label):13} ", "dim")), Text(one_line(value)))

    def _wrapped(self, first: Text | str, text: Text, margin: Text | None = None) -> Iterator[Text]:
        """Yield the text in some lines, the first after `first`, the others after `margin`, or blanks as wide."""
        start = Text(first) if isinstance(first, str) else first
        margin = Text(" " * start.cell_len) if margin is None else margin
        lines = text.wrap(self._wrapper, max(self.width - start.cell_len, _MIN_TEXT))
        for index, line in enumerate(lines[:_MAX_LINES]):
            line.rstrip()
            if index == _MAX_LINES - 1 and len(lines) > _MAX_LINES:
                line.truncate(max(self.width - start.cell_len - 2, 1))
                line.append(" …")
            yield (start if index == 0 else margin) + line

    def _title(self, place: Place, what: str, before: str = "") -> Text:
        return Text.assemble(before, (place.label, "bold"), f"  {what}")

    def _span(self, node: Node, guide: Text, width: int) -> Text:
        style = "bold red" if node.failed else ("bold" if node.kind == "server" else "")
        name = guide + Text.assemble((one_line(node.name), style))
        name.truncate(width - 1, overflow="ellipsis")
        name.pad_right(width - name.cell_len)
        return name

    def _guide(self, row: Row) -> str:
        through, branch, last, blank = self.guides
        if not row.path:
            return ""
        inner = "".join(blank if is_last else through for is_last in row.path[:-1])
        if row.line is not None:
            return inner + (blank if row.path[-1] else through)
        return inner + (last if row.path[-1] else branch)

    def _bar(self, node: Node, flow: Waterfall, width: int) -> Text:
        total = max(flow.end - flow.start, 1e-9)
        left = min(int((node.start - flow.start) / total * width), width - 1)
        length = round((node.end - node.start) / total * width)
        style = "red" if node.failed else _BAR_STYLES.get(node.kind, "green")
        bar = self.bar * min(length, width - left) if length >= 1 else self.point
        text = Text.assemble(" " * left, (bar, style))
        text.pad_right(width - text.cell_len)
        text.append(f"{duration(node.milliseconds):>{_DURATION}}")
        return text

    def _line(self, line: Json, start: float, guide: Text) -> Iterator[Text]:
        fields = summary.object_in(line, "fields")
        level = str(fields.get("level", ""))
        offset = f"+{duration(max(summary.number(line['timestamp']) / 1000 - start, 0.0) * 1000)}"
        style = LEVEL_STYLES.get(level, "")
        text = Text.assemble((f"{one_line(level)} ", style or "dim"), (one_line(_message(line)), style))
        if fields.get(LOGGER_FIELD) == ACCESS_LOGGER:
            text.append(f" in {duration(summary.number(fields.get('duration_ms')))}", style="dim")
        if own := summary.own_fields(fields):
            text.append(
                "".join(f"  {one_line(name)}={one_line(facts.value_text(each))}" for name, each in own.items()),
                style="dim",
            )
        exception = str(fields.get("exception") or "").strip().rpartition("\n")[2]
        if exception:
            text.append(f": {one_line(exception)}", style="red")
        prefix = guide + Text.assemble((f"{self.dot} {offset:>9} ", "dim"))
        margin = guide + Text(" " * (prefix.cell_len - guide.cell_len))
        yield from self._wrapped(prefix, text, margin)

    def _beside(self, left: Text, right: Text) -> Text:
        left.truncate(max(self.width - right.cell_len - 2, 10), overflow="ellipsis")
        left.pad_right(max(self.width - left.cell_len - right.cell_len, 1))
        return left + right

    def _fit(self, text: Text) -> Text:
        text.truncate(self.width, overflow="ellipsis")
        return text


def status_style(status: int) -> str:
    """Return the style of a status code."""
    return _STATUS_STYLES.get(status // 100, "")


def duration(milliseconds: float) -> str:
    """Return a duration in three digits or so: `12.3 ms`, `1.23 s`."""
    if milliseconds >= _SECOND:
        return f"{milliseconds / _SECOND:.2f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 100 else f"{milliseconds:.1f} ms"  # noqa: PLR2004 - three digits


_SECOND: Final = 1000.0


def counted(count: int, noun: str) -> str:
    """Return `1 span`, `2 spans`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _message(line: Json) -> object:
    return summary.object_in(line, "fields").get("message", line["message"])
