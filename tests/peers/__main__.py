"""Run the test suites of Flask and its neighbours, bare and with telemetry in every app: `python -m tests.peers`.

Every test that passes bare has to pass with telemetry. Named suites run alone: `python -m tests.peers flask`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.testbed.sinks import Sinks
from tests.peers import environment
from tests.peers.environment import PeersError
from tests.peers.exchanges import REQUESTS
from tests.peers.served import compare_served
from tests.peers.suite import Run, run_suite

SUITES = ("flask", "flask-cors", "flask-httpauth", "flask-login", "flask-smorest", "flask-wtf", "httpbin")
"""Packages of requirements/peers.in whose source distributions hold their tests.

Werkzeug's suite does not fit: it has no Flask app.
"""
SERVED = {"httpbin": "httpbin:app"}
"""Those that are applications, as FLASK_APP names them: gunicorn serves them, too."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The two runs of one suite, and what the sinks received meanwhile."""

    suite: str
    version: str
    bare: Run
    traced: Run
    received: Mapping[str, int]

    @property
    def regressions(self) -> Mapping[str, str]:
        """What passes bare and not with telemetry, and why, in the order of the run: one may break others."""
        failed = {test: why for test, why in self.traced.failures.items() if test in self.bare.passed}
        missing = sorted(self.bare.passed - self.traced.passed - failed.keys())
        return {**failed, **dict.fromkeys(missing, "it was skipped or not collected")}

    def row(self) -> str:
        """Return the line of the table."""
        items = ", ".join(f"{count} {sink}" for sink, count in self.received.items())
        kept = len(self.bare.passed) - len(self.regressions)
        bare = f"{len(self.bare.passed)} of {self.bare.total}"
        return f"{self.suite:<17} {self.version:<9} {bare:>11} {kept:>15}   {items}"


HEADING = f"{'suite':<17} {'version':<9} {'bare passed':>11} {'of them, traced':>15}   items that the sinks received"


def compare(suite: str, version: str, python: Path, source: Path, reports: Path) -> Comparison:
    """Run the tests in `source` twice. Raises `PeersError`."""
    bare = run_suite(python, source, reports / f"{suite}.bare.xml", None)
    with ExitStack() as stack:
        sinks = Sinks(stack)
        traced = run_suite(python, source, reports / f"{suite}.traced.xml", sinks.environment(()))
        return Comparison(suite, version, bare, traced, sinks.received())


def problems(comparison: Comparison) -> list[str]:
    """Return what telemetry broke, and which sinks received nothing."""
    silent = [sink for sink in ("honeycomb", "xray", "cloudwatch") if not comparison.received[sink]]
    return [
        *(f"{comparison.suite}: {test} fails with telemetry: {why}" for test, why in comparison.regressions.items()),
        *(
            f"{comparison.suite}: {sink} received nothing: telemetry was not installed, or no test sends a request"
            for sink in silent
        ),
    ]


def main(arguments: list[str]) -> int:
    """Print the table; return 1 where a test passes bare and not with telemetry."""
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)} (default: all)")
    chosen = parser.parse_args(arguments).suites or SUITES
    unknown = set(chosen).difference(SUITES)
    if unknown:
        parser.error(f"no suite is named {', '.join(sorted(unknown))}: choose from {', '.join(SUITES)}")
    failures: list[str] = []
    try:
        python = environment.prepare(SUITES)
        _print(HEADING)
        with ThreadPoolExecutor(os.cpu_count()) as pool:  # each suite runs in processes and a folder of its own
            for comparison in pool.map(lambda suite: _compare(suite, python), chosen):
                _print(comparison.row())
                failures += problems(comparison)
        for suite in SERVED.keys() & set(chosen):
            failures += _serve(SERVED[suite], python)
    except PeersError as error:
        failures.append(str(error))
    for failure in failures:
        _print(failure)
    return 1 if failures else 0


def _compare(suite: str, python: Path) -> Comparison:
    version = environment.requirements(environment.LOCK)[suite].version
    return compare(suite, version, python, environment.source_of(suite), environment.FOLDER)


def _serve(app: str, python: Path) -> list[str]:
    """Print what came of the requests to a served application; return how it differs, and what is missing."""
    served = compare_served(python, app, REQUESTS, environment.FOLDER)
    _print(
        f"FLASK_APP={app} under gunicorn: {served.requests} requests, {len(served.differences)} differ from bare;"
        f" the traces of {served.requests - len(served.missing)} are in every sink, {served.failures} of them"
        " with an item in Rollbar"
    )
    return [*served.differences, *served.missing]


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
