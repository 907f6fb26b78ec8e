"""Run one suite in a process of its own, and return the outcome of each of its tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.peers.environment import PeersError

PLUGIN = Path(__file__).parent / "plugin" / "telemetry_in_every_app.py"
_COMPLETED = (0, 1)
"""The exit codes of a run to the end, in which tests have failed or not ("Exit codes", pytest's documentation)."""
_TIMEOUT = 600


@dataclass(frozen=True, slots=True)
class Run:
    """What each test came to: its failure's first line, None where it passed. A skipped test is in neither."""

    failures: Mapping[str, str]
    passed: frozenset[str]

    @property
    def total(self) -> int:
        """How many passed or failed."""
        return len(self.passed) + len(self.failures)


def run_suite(python: Path, source: Path, report: Path, sinks: Mapping[str, str] | None) -> Run:
    """Run the tests in `source`; with telemetry where `sinks` has its variables. Raises `PeersError`."""
    environ, plugin = dict(os.environ), []
    for name in ("PYTHONPATH", "PYTEST_ADDOPTS", "PYTHONWARNINGS"):
        environ.pop(name, None)
    if sinks is not None:
        environ |= {**sinks, "PYTHONPATH": str(PLUGIN.parent)}
        plugin = ["-p", PLUGIN.stem]
    # Native tracebacks: those of pytest's own parse the sources again, which fails deep in a stack.
    flags = ["-p", "no:cacheprovider", "--tb=native", f"--junit-xml={report}"]
    command = [str(python), "-m", "pytest", *plugin, *flags, "tests"]
    with report.with_suffix(".log").open("w") as log:
        try:
            process = subprocess.run(
                command, cwd=source, env=environ, stdout=log, stderr=log, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PeersError(f"the tests in {source} take more than {_TIMEOUT} s: read {log.name}") from error
    if process.returncode not in _COMPLETED:
        raise PeersError(f"pytest exited with {process.returncode} in {source}: read {log.name}")
    return outcomes(report)


def outcomes(report: Path) -> Run:
    """Return the outcomes of a JUnit report. A test with several entries passed if each of them did."""
    failures: dict[str, str] = {}
    passed: set[str] = set()
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 - pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        problem = next((child for child in case if child.tag in {"failure", "error"}), None)
        if problem is not None:
            failures[name] = (problem.get("message") or "").partition("\n")[0]
        elif case.find("skipped") is None:
            passed.add(name)
    return Run(failures, frozenset(passed - failures.keys()))
