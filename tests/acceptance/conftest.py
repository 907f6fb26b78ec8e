from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
INHERITED = re.compile(r"PATH|HOME|SSL_CERT_\w+|(UV|PIP)_\w+|\w+_(proxy|PROXY)")
"""Those by which packages are installed too."""
SECONDS = 250
"""Long enough for a machine under load."""
READY_SECONDS = 150
"""The same, of one process's start."""


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
            # Containers need an engine, and their image packages and a base image.
            env={name: value for name, value in os.environ.items() if INHERITED.fullmatch(name)}
            | {"LOCAL_MODE": "process", "LOCAL_READY_SECONDS": str(READY_SECONDS)}
            | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str, stdin: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        with self.start(*command, **environment) as process:
            out, err = process.communicate(stdin, timeout=SECONDS)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def wait_for_log(self, name: str, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not (self.state / "logs" / name).exists():
            assert time.monotonic() < deadline, f"no {name} after {seconds} s"
            time.sleep(0.05)

    def recorded(self) -> State:
        return State.load(self.state / "state.json")

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


@contextmanager
def copied_checkout(folder: Path) -> Iterator[Checkout]:
    """Yield a copy of this checkout; what it started is stopped in the end."""
    root = folder.resolve() / "checkout"
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
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    with copied_checkout(tmp_path) as copy:
        yield copy


def address_of(output: str) -> str:
    """Return the address that `up` printed, without its path."""
    return _of_up(output)[2]


def seconds_of(output: str) -> float:
    """Return how long `up` took, as it printed."""
    return float(_of_up(output)[1])


def _of_up(output: str) -> re.Match[str]:
    match = re.search(r"Up after (\d+\.\d) s: (http://127\.0\.0\.1:\d+)/", output)
    assert match, output
    return match


@dataclass(frozen=True)
class Deployment:
    """What `make up` has started, the load balancer's URL and the recorded state."""

    checkout: Checkout
    url: str
    state: State


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Run `make up` once for a module, whose tests have their own traces and change nothing."""
    with copied_checkout(tmp_path_factory.mktemp("deployed")) as checkout:
        result = checkout.run("up")
        assert result.returncode == 0, result.stderr
        yield Deployment(checkout, address_of(result.stdout), checkout.recorded())
