"""The wheel, built from this checkout, and virtual environments that hold it and nothing else of the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry.backends import FakeBackends

ROOT = Path(__file__).parents[2]
_UV = str(Path(sys.executable).with_name("uv"))
_INSTALL_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment with the wheel, and an empty folder in which programs run."""

    python: Path
    folder: Path

    @property
    def package(self) -> Path:
        """Where the package is installed."""
        return next(self.python.parents[1].glob("lib/python*/site-packages")) / "flask_onetrace"

    def distributions(self) -> set[str]:
        """Return the names of the installed distributions."""
        listed = _uv("pip", "list", "--format", "json", "--python", str(self.python))
        return {each["name"].lower() for each in json.loads(listed)}

    def check(self) -> str:
        """Return what `pip check` says of the installed versions. Raises where they do not fit together."""
        return _uv("pip", "check", "--python", str(self.python))

    def run(self, program: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program with these variables alone, outside the checkout. It must exit with 0."""
        process = subprocess.run(
            [str(self.python), "-c", program],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **(variables or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert process.returncode == 0, process.stderr
        return process

    def result(self, program: str, variables: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - what the program prints
        """Run a program, and return the JSON that it prints last."""
        return json.loads(self.run(program, variables).stdout.splitlines()[-1])


def _uv(*arguments: str) -> str:
    process = subprocess.run(
        [_UV, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=_INSTALL_SECONDS, check=False
    )
    assert process.returncode == 0, f"uv {' '.join(arguments)} failed:\n{process.stderr}"
    return process.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by way of the source distribution, as an index would get both."""
    folder = tmp_path_factory.mktemp("dist")
    _uv("build", "--quiet", "--out-dir", str(folder))
    [built] = folder.glob("*.whl")
    return built


def _install(wheel: Path, folder: Path, extras: str) -> Installation:
    python = folder / "venv" / "bin" / "python"
    _uv("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    _uv("pip", "install", "--quiet", "--python", str(python), f"Flask-OneTrace{extras} @ {wheel.as_uri()}")
    (folder / "elsewhere").mkdir()
    return Installation(python, folder / "elsewhere")


@pytest.fixture(scope="session")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An environment with the wheel alone."""
    return _install(wheel, tmp_path_factory.mktemp("bare"), "")


@pytest.fixture(scope="session")
def full(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An environment with the wheel and every extra."""
    return _install(wheel, tmp_path_factory.mktemp("full"), "[all]")


@pytest.fixture
def backends(socket_enabled: None) -> Iterator[FakeBackends]:  # noqa: ARG001 - the back ends listen on 127.0.0.1
    with ExitStack() as stack:
        yield FakeBackends(stack)
