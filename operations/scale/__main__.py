"""Show which limits an environment reaches, and how it scales with a load: `make scale ENV=prod` (docs/scale.md)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from operations.cost.arguments import FAILED, REQUESTS_PER_VCPU, Number
from operations.errors import OperatorError, without_credentials
from operations.output import escape_unencodable, give_up_output
from operations.scale import shapes
from operations.scale.analysis import ScalingAnalysis
from operations.scale.report import Report
from operations.scale.variants import Comparison, compare, compare_built_in

BAD_VALUE: Final = 2
REQUESTS: Final = Number("REQUESTS", 0.1, 10_000_000, "the requests a second", "50")
PEAK: Final = Number("PEAK", 0.1, 10_000_000, "the requests a second of the load's peak", "300")
LATENCY: Final = Number("LATENCY", 0.001, 3600, "the seconds that a request takes", "0.05")
NUMBERS: Final = (REQUESTS, PEAK, REQUESTS_PER_VCPU, FAILED, LATENCY)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; return 2 for a bad value."""
    escape_unencodable()
    options = _parser().parse_args(arguments)
    try:
        values = {each: each.read_optional(getattr(options, each.variable)) for each in NUMBERS}
        analysis = _analysis(options, values)
        comparisons = _comparisons(analysis, options.shape, values[PEAK])
    except OperatorError as error:
        sys.stderr.write(f"error: {without_credentials(error)}\n")
        return BAD_VALUE
    try:
        Report(sys.stdout).analysis(analysis, comparisons, values[REQUESTS], details=options.details)
        sys.stdout.flush()
    except OSError as error:
        return give_up_output(error, "the analysis")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m operations.scale", description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--environment", required=True, help="an environment of infra/environments.py")
    for each in NUMBERS:
        name = f"--{each.variable.lower().replace('_', '-')}"
        add(name, dest=each.variable, metavar="N", help=each.unit)
    add("--shape", type=Path, help="a load of your own: CSV with the header second,requests")
    add("--limits", type=Path, help="the limits of your account: TOML, in the form fargate-vcpu = 4000")
    add("--details", action="store_true", help="print every limit, setting and assumption")
    return parser


def _analysis(options: argparse.Namespace, values: dict[Number, float | None]) -> ScalingAnalysis:
    # Here, as importing the CDK takes two seconds, which a bad number need not wait for.
    from operations.scale.deployed import analysis_of  # noqa: PLC0415

    analysis = replace(analysis_of(options.environment), own_limits=options.limits)
    requests, failed_share, latency = values[REQUESTS_PER_VCPU], values[FAILED], values[LATENCY]
    if requests is not None:
        analysis = analysis.with_requests_per_vcpu(requests)
    if failed_share is not None:
        analysis = replace(analysis, failed_share=failed_share)
    analysis = analysis if latency is None else replace(analysis, latency=latency)
    _ = analysis.limits  # a bad file of limits is an error before the simulation
    return analysis


def _comparisons(analysis: ScalingAnalysis, path: Path | None, peak: float | None) -> list[Comparison]:
    if path is None:
        return compare_built_in(analysis.fleet, peak)
    shape = shapes.read(path)
    return compare(analysis.fleet, [shape if peak is None else shape.with_peak(peak)])


if __name__ == "__main__":
    sys.exit(main())
