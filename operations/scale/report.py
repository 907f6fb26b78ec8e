"""Print an analysis for people, in tables of 80 characters where they are piped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from operations.charts import number, usd
from operations.cost.report.terminal import Terminal
from operations.deploy.plain_text import one_line
from operations.errors import OperatorError
from operations.scale import sentences
from operations.scale.analysis import ScalingAnalysis
from operations.scale.headroom import DECADES, Row
from operations.scale.sentences import FAR, count, reached_at, share
from operations.scale.tables import OUTCOME, outcome, run_cells
from operations.scale.variants import Comparison

_NEAR: Final = 10.0
"""Of the load: limits that are reached later need no remedy yet."""


class Report(Terminal):
    """Prints an analysis; with `details` every limit, variant and assumption."""

    def analysis(
        self,
        analysis: ScalingAnalysis,
        comparisons: Sequence[Comparison],
        requests: float | None = None,
        *,
        details: bool = False,
    ) -> None:
        """Print the limits of the service, at `requests` a second or at each decade, and how it follows each load."""
        at = DECADES if requests is None else (requests,)
        rows = analysis.rows(at)
        self.paragraph(sentences.conclusion(analysis, rows), style="bold")
        self.paragraph(sentences.of_the_sample(analysis))
        self._limits(analysis, rows, at, details=details)
        if not details and sentences.far_limits(rows):
            self.line()
            self.paragraph(sentences.far_limits(rows))
        near = _near(rows, requests)
        self.sentences(
            "Remedy",
            [
                f"{row.limit.name}, {_reached(row)}: {_plain(row.limit.remedy)}."
                for row in rows
                if details or row in near
            ],
        )
        if details:
            self._unpublished(analysis, at[-1])
        self._runs(comparisons)
        if details:
            for each in comparisons:
                self._variants(each)
        self.sentences("Recommendation", sentences.recommendations(comparisons))
        if details:
            self.sentences("Assumptions", sentences.assumptions(analysis))
        else:
            self.line()
            self.paragraph("DETAILS=1 prints every limit, setting and assumption.", style="dim")

    def _limits(self, analysis: ScalingAnalysis, rows: Sequence[Row], at: Sequence[float], *, details: bool) -> None:
        table = self.table("Requests/s", *map(number, at), "Reached at", right=len(at) + 1)
        table.add_row("desired tasks", *(f"{analysis.load_at(each).tasks:,.0f}" for each in at), "")
        cost = _monthly(analysis, at)
        if isinstance(cost, OperatorError):
            self.line()
            self.paragraph(f"Without a cost: {cost.problem}.", style="yellow")
        else:
            table.add_row("US dollars a month", *cost, "")
        for row in rows:
            if details or (row.reached_at is not None and row.reached_at < FAR):
                table.add_row(*map(one_line, (row.limit.name, *map(share, row.utilization), reached_at(row))))
        self.print_table(table)

    def _unpublished(self, analysis: ScalingAnalysis, requests: float) -> None:
        table = self.table("Limits without a published value", f"Use at {number(requests)}/s", right=1)
        for limit in analysis.limits:
            if limit.value is None:
                table.add_row(limit.name, f"{count(limit.use(analysis.load_at(requests)))} {limit.unit}")
        self.print_table(table)

    def _runs(self, comparisons: Sequence[Comparison]) -> None:
        head = ("Load", "Peak/s", "Length", "Tasks", "Reaction", "Overloaded", "Queued", "503")
        table = self.table(*head, right=len(head) - 1)
        for each in comparisons:
            *cells, _longest_wait, queued, rejected, _task_hours = run_cells(each)
            table.add_row(*map(one_line, (*cells, queued, rejected)))
        self.print_table(table)

    def _variants(self, comparison: Comparison) -> None:
        titles = [title for title in OUTCOME if title != "Longest wait"]
        table = self.table(f"Settings, for the {comparison.shape.name}", *titles, right=len(titles))
        for name in comparison.runs:
            cells = dict(zip(OUTCOME, outcome(comparison, name), strict=True))
            table.add_row(*map(one_line, (name, *(cells[title] for title in titles))))
        self.print_table(table)


def _reached(row: Row) -> str:
    return "not reached" if row.reached_at is None else f"reached at {count(row.reached_at)}"


def _near(rows: Sequence[Row], requests: float | None) -> list[Row]:
    """Return the rows that are reached up to ten times the load, or ten times what the environment serves."""
    load = rows[0].reached_at if requests is None else requests
    return [row for row in rows if load and row.reached_at is not None and row.reached_at <= _NEAR * load]


def _monthly(analysis: ScalingAnalysis, at: Sequence[float]) -> list[str] | OperatorError:
    """Return what each load costs, in three digits; the error where something has no price."""
    try:
        return [usd(float(f"{analysis.monthly_usd(each):.3g}")) for each in at]
    except OperatorError as error:
        return error


def _plain(markdown: str) -> str:
    return markdown.replace("`", "")
