"""Run `make verify`'s command on a local deployment, and read what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.workspace.folders import CHECKOUT
from tests.local_environment import LocalEnvironment

SECONDS: Final = 120
LOCAL: Final = ("local", "verify")
"""The module and its command, for the running local deployment."""
Json = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """The exit status, the document of `--json`, and how long it took in seconds."""

    status: int
    document: Json
    seconds: float

    @property
    def diagnoses(self) -> list[Json]:
        found: list[Json] = self.document["diagnoses"]
        return found

    @property
    def causes(self) -> list[str]:
        return [each["cause"] for each in self.diagnoses]

    @property
    def summary(self) -> str:
        """Return what is of interest where a test fails."""
        keys = ("failures", "diagnoses", "unchecked")
        return json.dumps({"status": self.status, **{key: self.document[key] for key in keys}}, indent=1)


def run(
    environment: LocalEnvironment, *options: str, command: Sequence[str] = LOCAL, extra: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Run the command with these options, and `extra` in its environment."""
    return subprocess.run(
        [sys.executable, "-m", *command, *options],
        cwd=CHECKOUT,
        env={**environment.environ, **extra},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def verify(
    environment: LocalEnvironment, *options: str, command: Sequence[str] = LOCAL, extra: Mapping[str, str] = {}
) -> Outcome:
    """Run with `--json`, whose document is all that it prints to standard output."""
    start = time.monotonic()
    process = run(environment, "--json", *options, command=command, extra=extra)
    try:
        document = json.loads(process.stdout)
    except ValueError:
        raise AssertionError(f"exit status {process.returncode}: {process.stdout}{process.stderr}") from None
    return Outcome(process.returncode, document, time.monotonic() - start)
