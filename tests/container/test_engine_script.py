"""`scripts/engine` with an engine that responds: the command's end is its own, and nothing of it is left."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "engine"
SECONDS = 30
DOCKER = """#!/bin/sh
# An engine responds, Compose is installed, and there is no network to reach.
echo 20.10
"""
PROGRAM = """
import signal, sys, time
def end(number, frame):
    print("cleaned up after", number)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGINT, end)
print("ready", flush=True)
time.sleep(60)
"""


@pytest.fixture
def environ(tmp_path: Path) -> Iterator[dict[str, str]]:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    state = tmp_path / "state"
    state.mkdir()
    yield {"PATH": f"{docker.parent}:/usr/bin:/bin", "TMPDIR": str(state), "HOME": str(tmp_path)}
    assert not list(state.iterdir())


@pytest.mark.parametrize(("command", "status"), [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["/nowhere"], 127)])
def test_the_commands_status_is_its_own(command: list[str], status: int, environ: dict[str, str]) -> None:
    process = subprocess.run([SCRIPT, *command], env=environ, capture_output=True, timeout=SECONDS, check=False)
    assert process.returncode == status


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_is_passed_on_and_the_command_cleans_up_first(
    number: signal.Signals, status: int, environ: dict[str, str]
) -> None:
    command = [str(SCRIPT), "python3", "-c", PROGRAM]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == f"cleaned up after {number.value}\n"
        assert process.wait(SECONDS) == status


def test_without_a_command_it_says_how_to_call_it(environ: dict[str, str]) -> None:
    process = subprocess.run([SCRIPT], env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (process.returncode, process.stdout) == (1, "")
    assert "scripts/engine COMMAND" in process.stderr
