"""Check an application's packages against what the runtime works with: `python check_requirements.py FILE [NAME]`.

FILE is the runtime's pyproject.toml and NAME the application's requirements file. To be run by the interpreter that has
the packages; it needs `packaging`, which the runtime needs too. `pip check` knows nothing of the runtime, which is
copied and not installed. Exits with 1 and a line for each conflict.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion


def conflicts(pyproject: Path, source: str) -> Iterator[str]:
    """Yield each range that an installed version is out of. What only an extra needs may be absent: its sink is off."""
    project: dict[str, Any] = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    required = [*((text, True) for text in project["dependencies"]), *((text, False) for text in extras)]
    for text, needed in required:
        requirement = Requirement(text)
        itself = canonicalize_name(requirement.name) == canonicalize_name(project["name"])  # an extra of extras
        if not itself and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            yield from _conflict(requirement, source, needed=needed)


def _conflict(requirement: Requirement, source: str, *, needed: bool) -> Iterator[str]:
    wanted = f"the runtime needs {requirement.name}{requirement.specifier}"
    try:
        installed = version(requirement.name)
        fits = requirement.specifier.contains(installed, prereleases=True)
    except PackageNotFoundError:
        if needed:
            yield f"{requirement.name} is not installed, but {wanted}"
        return
    except InvalidVersion:
        fits = False
    if not fits:
        yield f"{source} installs {requirement.name} {installed}, but {wanted}"


if __name__ == "__main__":
    sys.exit("\n".join(conflicts(Path(sys.argv[1]), (sys.argv[2:] or ["requirements.txt"])[0])) or 0)
