"""The wheel, built from this checkout, and virtual environments that hold it and nothing else of the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata
from packaging.requirements import Requirement
from packaging.version import Version

from tests.telemetry.backends import FakeBackends

ROOT = Path(__file__).parents[2]
_UV = str(Path(sys.executable).with_name("uv"))
_INSTALL_SECONDS = 400


@dataclass(frozen=True, slots=True)
class Installation:
    """A virtual environment with the wheel, and an empty folder in which programs run."""

    python: Path
    folder: Path
    resolution: str
    """Of `RESOLUTIONS`."""

    @property
    def package(self) -> Path:
        """Where the package is installed."""
        return next(self.python.parents[1].glob("lib/python*/site-packages")) / "flask_onetrace"

    def versions(self) -> dict[str, Version]:
        """Return the installed distributions, by name."""
        listed = _uv("pip", "list", "--format", "json", "--python", str(self.python))
        return {each["name"].lower(): Version(each["version"]) for each in json.loads(listed)}

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


def metadata_of(wheel: Path) -> Metadata:
    """Return the wheel's metadata. Raises where it is not valid."""
    with ZipFile(wheel) as archive:
        [name] = [each for each in archive.namelist() if each.endswith(".dist-info/METADATA")]
        return Metadata.from_email(archive.read(name), validate=True)


def requirements(metadata: Metadata, extra: str) -> list[Requirement]:
    """Return what the package needs with an extra, "" for none."""
    every = metadata.requires_dist or ()
    return [each for each in every if each.marker is None or each.marker.evaluate({"extra": extra})]


def _install(wheel: Path, folder: Path, extra: str, resolution: str) -> Installation:
    python = folder / "venv" / "bin" / "python"
    _uv("venv", "--quiet", "--python", sys.executable, str(folder / "venv"))
    # As requirements of the caller's own, which `lowest-direct` is about.
    direct = [f"{each.name}{each.specifier}" for each in requirements(metadata_of(wheel), extra)]
    options = ("--quiet", "--resolution", resolution, "--python", str(python))
    _uv("pip", "install", *options, f"Flask-OneTrace[{extra}] @ {wheel.as_uri()}", *direct)
    (folder / "elsewhere").mkdir()
    return Installation(python, folder / "elsewhere", resolution)


RESOLUTIONS = ("highest", "lowest-direct")
"""Everything as new as it can be, and what the package names as old as it may be."""


@pytest.fixture(scope="session", params=RESOLUTIONS)
def bare(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An environment with the wheel alone."""
    return _install(wheel, tmp_path_factory.mktemp("bare"), "", request.param)


@pytest.fixture(scope="session", params=RESOLUTIONS)
def full(request: pytest.FixtureRequest, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An environment with the wheel and every extra."""
    return _install(wheel, tmp_path_factory.mktemp("full"), "all", request.param)


InstallExtra = Callable[[str], Installation]


@pytest.fixture(scope="session")
def install_extra(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> InstallExtra:
    """Return a function that installs the wheel with one extra, once for each."""
    return cache(lambda extra: _install(wheel, tmp_path_factory.mktemp(extra), extra, "highest"))


@pytest.fixture
def backends(socket_enabled: None) -> Iterator[FakeBackends]:  # noqa: ARG001 - the back ends listen on 127.0.0.1
    with ExitStack() as stack:
        yield FakeBackends(stack)
