"""Compare an environment's packages with the runtime's requirements: `python check_requirements.py pyproject.toml`.

Run by the Python of the environment in the build of an image, and imported by the local mode. It needs nothing but the
standard library and `packaging`.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.metadata import distributions
from itertools import chain
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

REQUIREMENTS: Final = "requirements.txt"
REMEDY: Final = "remove it or change the version"


def conflicts(pyproject: Path, site_packages: Sequence[str], file: str = REQUIREMENTS) -> list[str]:
    """Return a line for each package in `site_packages` that the project of `pyproject` does not work with.

    What the project needs are its dependencies and those of all its extras. `file` is what installed the packages.
    """
    installed: dict[str, str] = {}
    for each in distributions(path=list(site_packages)):
        if name := each.metadata["Name"]:  # none in what is left of a package that was removed
            installed.setdefault(canonicalize_name(name), each.version)  # as imported: the first counts
    return [
        f"{file} installs {needed.name} {version}, but the runtime needs {needed.name}{needed.specifier}"
        for needed in _requirements(pyproject)
        if (version := installed.get(canonicalize_name(needed.name))) is not None
        and not needed.specifier.contains(version, prereleases=True)
    ]


def _requirements(pyproject: Path) -> Iterator[Requirement]:
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    for text in chain(project["dependencies"], *project["optional-dependencies"].values()):
        requirement = Requirement(text)
        # An extra that names others of the project adds none: all are read.
        is_own = canonicalize_name(requirement.name) == canonicalize_name(project["name"])
        if not is_own and (requirement.marker is None or requirement.marker.evaluate()):
            yield requirement


def main(arguments: Sequence[str]) -> int:
    """Return 1 with a line on standard error for each conflict, else 0. `arguments`: pyproject.toml, requirements."""
    lines = conflicts(Path(arguments[0]), sys.path, *arguments[1:2])
    for each in lines:
        sys.stderr.write(f"{each}: {REMEDY}\n")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
