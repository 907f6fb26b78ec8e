"""Show a verification: live on a terminal, as lines elsewhere, and the outcome as text."""

from __future__ import annotations

import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TextIO

from rich.live import Live
from rich.table import Table
from rich.text import Text

from operations.deploy.plain_text import one_line
from operations.diagnosis.cause import Diagnosis
from operations.output import console_of
from operations.traces.document import Place
from operations.verification.arrivals import Arrival, State
from operations.verification.document import PlaceRow, Verification
from operations.verification.kinds import Kind
from operations.verification.sending import ProbeResult

WIDTH: Final = 160
"""Characters of a line where there is no terminal: nothing is cut off."""
READABLE: Final = 120
"""Characters of a line of prose."""
WIDE: Final = 140
"""Characters of a line that has room for a link."""
_STYLES: Final = {State.ARRIVED: "green", State.MISSING: "bold red", State.NOT_CHECKED: "yellow", State.OFF: "dim"}


class Report:
    """Prints progress and outcome. On a terminal the progress is a table that the outcome replaces."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.console = console_of(stream or sys.stdout, piped_width=WIDTH)
        self._lock = threading.Lock()
        self._results: dict[Kind, ProbeResult] = {}
        self._arrivals: list[Arrival] = []
        self._live: Live | None = None
        self._activity = "sending requests"

    @contextmanager
    def live(self) -> Iterator[None]:
        """Show the progress while the context lasts."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, transient=True, get_renderable=self._progress, refresh_per_second=8) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def add_result(self, result: ProbeResult) -> None:
        """Show a request and its response."""
        with self._lock:
            self._results[result.kind] = result
            self._activity = "waiting for the telemetry"
            if not self.console.is_terminal:
                self.console.print(_request_line(result))

    def add_arrival(self, arrival: Arrival) -> None:
        """Show what became of a request in a place."""
        with self._lock:
            self._arrivals.append(arrival)

    def diagnosing(self) -> None:
        """Show that causes are looked for."""
        self._activity = "looking for causes"

    def outcome(self, verification: Verification) -> None:
        """Print the table, what is wrong, and why."""
        console = self.console
        if console.is_terminal:
            for result in verification.results:
                console.print(_request_line(result))
        if verification.rows:
            console.print()
            self._table(verification.rows)
            console.print()
        for failure in verification.failures:
            console.print(Text(f"✗ {one_line(failure)}", style="bold red"))
        for number, diagnosis in enumerate(verification.causes):
            console.print()
            self._diagnosis("Cause" if number == 0 else "Also", diagnosis, "bold")
        for diagnosis in verification.notes:
            console.print()
            self._diagnosis("Note", diagnosis, "yellow")
        self._end(verification)

    def _table(self, rows: Sequence[PlaceRow]) -> None:
        """Print a row for each place; where the lines are too short for its link, that is below them."""
        is_wide = self.console.width >= WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 4, 0, 0), header_style="dim")
        for title in ("Place", "Arrived", "Same id", "After", "Sample rate", *(["Link"] if is_wide else [])):
            table.add_column(title, no_wrap=title != "Link", overflow="fold")
        for row in rows:
            style = "bold red" if row.missing or row.error else _STYLES[row.state or State.ARRIVED]
            cells = (same_id_text(row), delay_text(row), sample_rate_text(row))
            link = [Text(one_line(link_text(row)))] if is_wide else []
            table.add_row(row.place.label, Text(arrived_text(row), style=style), *cells, *link)
        self.console.print(table)
        if not is_wide and any(map(link_text, rows)):
            self.console.print()
            for row in filter(link_text, rows):
                self.console.print(Text(f"{row.place.label:18} {one_line(link_text(row))}"), soft_wrap=True)

    def _end(self, verification: Verification) -> None:
        console = self.console
        if verification.has_failed and not verification.causes:
            console.print()
            console.print(Text("No cause was found", style="bold"))
            self._indented("None of the causes of docs/runbook.md shows in what could be read.")
        if verification.unchecked and verification.has_failed:
            console.print()
            console.print(Text("Could not check", style="bold"))
            for line in verification.unchecked:
                self._indented(one_line(line))
        if not verification.has_failed:
            console.print(Text(f"✓ {success(verification)}", style="bold green"))

    def _diagnosis(self, label: str, diagnosis: Diagnosis, style: str) -> None:
        console = self.console
        console.print(Text(f"{label}: {diagnosis.cause.title}", style=style))
        self._indented(f"{diagnosis.message}.")
        self._indented(f"Remedy: {diagnosis.remedy}.")
        self._indented(f"See {diagnosis.cause.anchor}", "dim")

    def _indented(self, text: str, style: str = "") -> None:
        """Print text in lines that a terminal does not break within words."""
        width = min(self.console.width, READABLE) - 2
        for line in textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False):
            self.console.print(Text(f"  {line}", style=style), soft_wrap=True)

    def _progress(self) -> Table:
        with self._lock:
            grid = Table.grid(padding=(0, 1))
            for kind in Kind:
                result = self._results.get(kind)
                grid.add_row(_request_line(result) if result else Text(f"  {kind:8} …", style="dim"))
            grid.add_row("")
            for place in Place:
                marks = [_mark(each) for each in self._arrivals if each.place is place]
                grid.add_row(Text.assemble(f"  {place.label:16} ", *marks))
            grid.add_row(Text(f"  {self._activity} …", style="dim"))
            return grid


def success(verification: Verification) -> str:
    """Return the sentence of a verification without a failure."""
    full = [row.place.label for row in verification.rows if row.state is None and row.awaited]
    if not full:
        return "Every request was answered as it has to be; no place was searched for them."
    places = " and ".join(filter(None, [", ".join(full[:-1]), full[-1]]))
    return f"{places} {'has' if len(full) == 1 else 'have'} every request under the id of its response."


def arrived_text(row: PlaceRow) -> str:
    """Return `5 of 5`, or why the place was not searched."""
    if row.state is not None:
        return row.state.value
    arrived = sum(each.state is State.ARRIVED for each in row.arrivals)
    unchecked = sum(each.state is State.NOT_CHECKED for each in row.arrivals)
    unsampled = sum(each.state is State.NOT_SAMPLED for each in row.arrivals)
    notes = [f"{unsampled} not sampled"] * bool(unsampled) + [f"{unchecked} not checked"] * bool(unchecked)
    return ", ".join([f"{arrived} of {len(row.awaited)}", *notes])


def same_id_text(row: PlaceRow) -> str:
    """Return `yes` or `NO`, and a dash where nothing has arrived."""
    return {None: "-", True: "yes", False: "NO"}[row.same_id]


def delay_text(row: PlaceRow) -> str:
    """Return the longest delay, a dash where nothing has arrived."""
    return f"{row.delays[-1]:.1f} s" if row.delays else "-"


def sample_rate_text(row: PlaceRow) -> str:
    """Return the number of requests that one of a place stands for, where it tells."""
    rates = sorted({each.sample_rate for each in row.arrivals if each.sample_rate is not None})
    return ", ".join(f"1 in {rate:g}" for rate in rates) or "-"


def link_text(row: PlaceRow) -> str:
    """Return the URL of one of the traces there, or why it is not searched."""
    return row.note or row.url or ""


def _request_line(result: ProbeResult) -> Text:
    exchange = result.exchange
    if exchange is None:
        return Text(f"  {result.kind:8} skipped: {one_line(result.skipped)}", style="dim")
    seconds = exchange.received_at - exchange.sent_at
    attempts = f", sampled at attempt {result.attempts}" if result.attempts > 1 and result.was_sampled else ""
    unsampled = f", none of {result.attempts} sampled" if result.was_sampled is False else ""
    line = Text.assemble(
        f"  {result.kind:8} {exchange.method} {exchange.path} → ",
        (str(exchange.status or one_line(exchange.error)), "green" if exchange.is_expected else "bold red"),
        f"  {seconds * 1000:.0f} ms{attempts}{unsampled}  ",
        (exchange.trace_id or "without a trace id", "cyan" if exchange.trace_id else "bold red"),
    )
    line.no_wrap = True
    return line


def _mark(arrival: Arrival) -> tuple[str, str]:
    marks = {State.ARRIVED: "✓", State.MISSING: "✗", State.NOT_CHECKED: "?", State.NOT_SAMPLED: "-", State.OFF: "-"}
    return f"{marks[arrival.state]} {arrival.kind}  ", _STYLES.get(arrival.state, "")
