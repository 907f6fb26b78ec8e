"""Measure what each sink adds to the start of the service, in memory and CPU: `python -m bench.start_up`.

A process imports the service, creates the app and answers one health check. No sink is reached at the start, so the
addresses need no receiver.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from bench.testbed.application import NAMES

ROOT = Path(__file__).parents[1]
_TIMEOUT = 60
SINKS = {
    "honeycomb": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"},
    "xray": {"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9"},
    "cloudwatch": {"CLOUDWATCH_LOG_GROUP": "bench", "AWS_REGION": "us-east-1"},
    "rollbar": {"ROLLBAR_ACCESS_TOKEN": "fake-rollbar-token"},
}
_PROGRAM = """
import json, os, resource, time
from service.factory import create_app
from flask_onetrace.settings import Settings
app = create_app(Settings.from_env())
assert app.test_client().get("/api/health-check").status_code == 200
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime]), flush=True)
os._exit(0)
"""


class Start(NamedTuple):
    """The peak memory in MiB and the CPU seconds of one start."""

    memory: float
    cpu: float


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.start_up", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    variants = {
        "no sink": {},
        **SINKS,
        "all four": {name: value for sink in SINKS.values() for name, value in sink.items()},
    }
    starts = {name: measure(environment, runs) for name, environment in variants.items()}
    sys.stdout.write("| sinks that are on | peak memory | CPU to the first response |\n|---|---|---|\n")
    for name, start in starts.items():
        sys.stdout.write(f"| {name} | {start.memory:.0f} MiB | {start.cpu:.2f} s |\n")


def measure(environment: dict[str, str], runs: int) -> Start:
    """Return the medians of `runs` starts with these settings."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "OTEL_"))}
    command = [sys.executable, "-c", _PROGRAM]
    starts = []
    for _ in range(runs):
        process = subprocess.run(  # noqa: S603 - our own program
            command,
            cwd=ROOT,
            env={**clean, **NAMES, **environment, "LOG_CONSOLE": "false"},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
        )
        if process.returncode:
            sys.exit(f"the service did not start:\n{process.stderr[-2000:]}")
        starts.append(Start(*json.loads(process.stdout)))
    return Start(*(statistics.median(values) for values in zip(*starts, strict=True)))


if __name__ == "__main__":
    main()
