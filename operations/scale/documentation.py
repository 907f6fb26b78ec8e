"""Write docs/scale.md's figures and plots: `python -m operations.scale.documentation`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from operations.charts import Chart
from operations.published import replace_section
from operations.scale import plots, sentences, tables
from operations.scale.analysis import CPU_BOUND, ScalingAnalysis
from operations.scale.deployed import analysis_of
from operations.scale.headroom import Row
from operations.scale.variants import Comparison, compare_built_in
from operations.synthesis import CHECKOUT

ENVIRONMENT: Final = "prod"
PAGE: Final = CHECKOUT / "docs" / "scale.md"
_USED_AT: Final = (100.0, 10_000.0)
_SLOW: Final = 0.5
_FAILING: Final = 0.01
_PLOTS: Final = {
    "steps": ("Steps to twice the load, and twice again", slice(None)),
    "spike": ("A spike of attention: two hours of recorded mentions", slice(30, 148)),
    "diurnal": ("A day of New York's taxis", slice(None)),
    "load-balancer": ("A recorded load balancer of a small service", slice(11 * 60, 19 * 60)),
}
"""Title and minutes of the plot of each load."""


class Documentation:
    """The generated parts of the page."""

    def __init__(self, analysis: ScalingAnalysis) -> None:
        self._analysis = analysis

    @cached_property
    def _comparisons(self) -> Mapping[str, Sequence[Comparison]]:
        return {
            "sample": compare_built_in(self._analysis.fleet),
            "10 ms CPU": compare_built_in(self._cpu_bound.fleet),
        }

    @cached_property
    def _cpu_bound(self) -> ScalingAnalysis:
        return self._analysis.with_requests_per_vcpu(CPU_BOUND)

    def sections(self) -> Mapping[str, str]:
        """Return the text between the page's markers, by their names."""
        analysis, cpu_bound = self._analysis, self._comparisons["10 ms CPU"]
        rows = analysis.rows()
        known = [row.limit for row in rows]
        unknown = [each for each in analysis.limits if each.value is None]
        return {
            "conclusion": _list(self._conclusion(rows)),
            "limits": "\n\n".join((tables.limits(analysis, rows), sentences.far_limits(rows))),
            "headroom": _list(sentences.headroom(analysis)),
            "remedies": tables.remedies(analysis, known),
            "uses": tables.uses(analysis, known, _USED_AT),
            "notes": tables.notes(analysis.limits),
            "unpublished": tables.unpublished(unknown),
            "unpublished uses": tables.uses(analysis, unknown, _USED_AT),
            "runs": tables.runs(self._comparisons),
            "spike variants": tables.variants(next(each for each in cpu_bound if each.shape.name == "spike")),
            "recommendation": _list(sentences.recommendations(cpu_bound)),
            "assumptions": _list(sentences.assumptions(analysis)),
        }

    def _conclusion(self, rows: Sequence[Row]) -> Iterator[str]:
        yield f"**With the sample application, {sentences.conclusion(self._analysis, rows)}**"
        own = self._cpu_bound
        slow = replace(self._analysis, latency=_SLOW)
        failing = replace(self._analysis, failed_share=_FAILING)
        [rollbar] = [each for each in failing.rows() if each.limit.key == "rollbar-calls"]
        yield f"With 10 ms of CPU a request, {sentences.conclusion(own, own.rows())}"
        yield f"With {_SLOW:g} s a request, {sentences.conclusion(slow, slow.rows())}"
        yield (
            f"No request is taken to fail; with {100 * _FAILING:g} % failing, Rollbar's limit of items is reached at "
            f"{sentences.reached_at(rollbar)} requests/s."
        )

    def charts(self) -> Mapping[str, Chart]:
        """Return the plots by their files' names."""
        fleet = self._cpu_bound.fleet
        charts = {"scale-limits": plots.limits(self._analysis, self._analysis.rows())}
        return charts | {
            f"scale-{each.shape.name}": plots.following(each, fleet, *_PLOTS[each.shape.name])
            for each in self._comparisons["10 ms CPU"]
        }


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {each}" for each in sentences)


def write(page: Path, analysis: ScalingAnalysis) -> None:
    """Write the sections of the page and the plots beside it."""
    documentation = Documentation(analysis)
    charts = documentation.charts()
    pictures = {f"plot {name}": chart.markdown(name) for name, chart in charts.items()}
    for name, text in {**documentation.sections(), **pictures}.items():
        replace_section(page, name, f"{text}\n")
    for name, chart in charts.items():
        chart.write(page.parent, name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and return the exit status."""
    argparse.ArgumentParser(prog="python -m operations.scale.documentation", description=__doc__).parse_args(arguments)
    write(PAGE, analysis_of(ENVIRONMENT))
    sys.stdout.write(f"docs/{PAGE.name} and its plots are written from the stacks of {ENVIRONMENT}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
