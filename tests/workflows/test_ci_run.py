"""`.ci/run` with a make that only prints: a failure or a signal ends it, with what runs, and with nothing left up."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
SECONDS = 30
MAKE = """#!/bin/sh
# `make $WAIT_AT` waits for a signal; `make $FAIL_AT` fails.
echo "$1" >>"$LOG"
[ "$1" != "$FAIL_AT" ] || exit 3
[ "$1" != "$WAIT_AT" ] || { trap 'echo "$1 ended" >>"$LOG"; exit 0' INT TERM; echo ready; sleep 60 & wait; }
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    make = tmp_path / "make"
    make.write_text(MAKE, encoding="utf-8")
    make.chmod(0o755)
    return {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}


def targets(environ: dict[str, str]) -> list[str]:
    return Path(environ["LOG"]).read_text(encoding="utf-8").splitlines()


def test_it_runs_each_check_and_prints_how_long_it_took(environ: dict[str, str]) -> None:
    process = subprocess.run([SCRIPT], env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert process.returncode == 0
    assert len(process.stdout.splitlines()) == len(targets(environ))
    assert {"lint", "test", "test-containers"} < set(targets(environ))


@pytest.mark.parametrize(("target", "after"), [("lint", []), ("up", ["down"]), ("test-containers", [])])
def test_a_check_that_fails_is_the_last(target: str, after: list[str], environ: dict[str, str]) -> None:
    environ["FAIL_AT"] = target
    process = subprocess.run([SCRIPT], env=environ, capture_output=True, timeout=SECONDS, check=False)
    assert process.returncode == 3
    ran = targets(environ)
    assert ran[ran.index(target) + 1 :] == after


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize(("target", "after"), [("up", ["down"]), ("test-containers", [])])
def test_a_signal_ends_the_check_that_runs_and_no_other_follows(
    target: str, after: list[str], number: signal.Signals, status: int, environ: dict[str, str]
) -> None:
    environ["WAIT_AT"] = target
    with subprocess.Popen([str(SCRIPT)], env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "ready\n":
            pass
        process.send_signal(number)
        assert process.wait(SECONDS) == status
    ran = targets(environ)
    assert ran[ran.index(target) + 1 :] == [f"{target} ended", *after]
