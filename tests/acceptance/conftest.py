from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from local.workspace.folders import CHECKOUT
from local.workspace.processes import MARKER
from local.workspace.state import State

EXCLUDED = shutil.ignore_patterns(
    ".git", ".venv*", ".peers", "node_modules", ".local", "cdk.out", "__pycache__", ".*_cache"
)
SECONDS = 250
"""Long enough for a machine under load."""


@dataclass
class Checkout:
    """A copy of this checkout whose code a test may change, with its own state folder."""

    root: Path

    @property
    def state(self) -> Path:
        return self.root / ".local"

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.root / ".venv" / "bin" / "python"), "-m", "local", *command],
            cwd=self.root,
            # An image build would download a base image and packages.
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | {"LOCAL_IMAGE": "skip"}
            | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command, **environment) as process:
            out, err = process.communicate(timeout=SECONDS)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def wait_for_log(self, name: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not (self.state / "logs" / name).exists():
            assert time.monotonic() < deadline, f"no {name} after {seconds} s"
            time.sleep(0.05)

    def pid(self, role: str) -> int:
        output = self.run("status").stdout
        match = re.search(rf"^{role} +process (\d+)", output, re.MULTILINE)
        assert match, output
        return int(match[1])

    def running_processes(self) -> list[str]:
        return [
            " ".join(process.cmdline())
            for process in psutil.process_iter()
            if process.status() != psutil.STATUS_ZOMBIE and belongs_to(process, self.state)
        ]


def belongs_to(process: psutil.Process, state: Path) -> bool:
    try:
        return process.environ().get(MARKER) == str(state)
    except (psutil.Error, OSError):
        return False


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = tmp_path.resolve() / "checkout"
    shutil.copytree(CHECKOUT, root, ignore=EXCLUDED)
    (root / ".venv").symlink_to(Path(sys.prefix))
    (root / "node_modules").symlink_to(CHECKOUT / "node_modules")
    copy = Checkout(root)
    yield copy
    copy.run("down")
    for process in psutil.process_iter():
        if belongs_to(process, copy.state):
            process.send_signal(signal.SIGKILL)


@pytest.fixture
def deployed(checkout: Checkout) -> tuple[str, State]:
    """Run `make up`; return the load balancer's URL and the recorded state."""
    result = checkout.run("up")
    match = re.search(r"Up after \d+ s: (http://[a-z0-9-]+\.alb\.localhost:\d+)/", result.stdout)
    assert match, result.stdout + result.stderr
    return match[1], State.load(checkout.state / "state.json")
