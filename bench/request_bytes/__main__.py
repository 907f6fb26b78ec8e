"""Measure the bytes of a request, for the estimates of cost and scale: `make bench-bytes`."""

from __future__ import annotations

import argparse
import sys

from bench.request_bytes import figures, report
from bench.request_bytes.measurement import Extent, run


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.request_bytes", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="at each rate of requests")
    parser.add_argument(
        "--publish", action="store_true", help="write operations/cost/measured.json and the tables of bench/README.md"
    )
    arguments = parser.parse_args()
    extent = Extent(seconds=arguments.seconds)
    result = run(extent)
    request, rates = figures.measured(result), figures.exports(result)
    sys.stdout.write(report.tables(request, rates))
    if arguments.publish:
        report.publish(request, rates)


if __name__ == "__main__":
    main()
