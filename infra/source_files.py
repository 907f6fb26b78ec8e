"""Say which files in an application's folder are its code, and which may never leave this machine with it.

Patterns of names, as `fnmatch` reads them: one that begins with `/` counts in the folder itself, any other at every
depth. It needs the standard library only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

NOT_CODE: Final = (
    # History, editors and continuous integration.
    ".git",
    ".hg",
    ".svn",
    ".github",
    ".gitlab",
    ".idea",
    ".vscode",
    ".DS_Store",
    # Installed, cached or built.
    ".venv",
    "node_modules",
    "__pycache__",
    "*.pyc",
    "*.egg-info",
    ".cache",
    ".direnv",
    ".eggs",
    ".hypothesis",
    ".local",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    ".terraform",
    "/build",
    "/cdk.out",
    "/dist",
)
"""What tools keep, install or build beside the code. Virtual environments of any name are found by their pyvenv.cfg."""
PRIVATE: Final = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".flaskenv",
    ".aws",
    ".boto",
    ".docker",
    ".git-credentials",
    ".gnupg",
    ".kube",
    ".my.cnf",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    ".ssh",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "id_rsa",
    "*.jks",
    "*.key",
    "*.p12",
    "*.pem",
    "*.pfx",
    "*.tfstate",
    "*.tfstate.*",
)
"""Files that hold keys, and the settings of this machine. A process that runs here may read them; no image has them.

Flask's instance folders are found by their name: SECRET_KEY and SQLite files are there ("Instance Folders", Flask).
"""
DESCRIPTION: Final = ("/onetrace.toml", "/.dockerignore")
"""What describes the deployment and the image. The first holds values for this machine."""
NOT_IN_IMAGE: Final = (*NOT_CODE, *PRIVATE, *DESCRIPTION)

_INSTANCE: Final = "instance"


def is_matched(path: Path, folder: Path, patterns: tuple[str, ...]) -> bool:
    """Return whether the name of `path`, which is in `folder` or in a folder of it, matches one of the patterns."""
    names = (path.name, f"/{path.name}") if path.parent == folder else (path.name,)
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def is_virtual_environment(folder: Path) -> bool:
    """Return whether Python packages are installed in `folder` (PEP 405)."""
    return (folder / "pyvenv.cfg").is_file()


def is_instance_folder(folder: Path) -> bool:
    """Return whether it is named as Flask's instance folder is, and is no package of the application."""
    return folder.name == _INSTANCE and not (folder / "__init__.py").exists()


def ignore_patterns(folder: Path) -> list[str]:
    """Return what no image of the application in `folder` has, in the format of a .dockerignore."""
    patterns = [each[1:] if each.startswith("/") else f"**/{each}" for each in NOT_IN_IMAGE]
    return [*patterns, *(_literal(each.relative_to(folder).as_posix()) for each in _private_folders(folder))]


def _private_folders(folder: Path) -> Iterator[Path]:
    for place, names, _ in os.walk(folder):
        paths = [Path(place, name) for name in sorted(names)]
        skipped = {path for path in paths if is_matched(path, folder, NOT_CODE)}
        private = [path for path in paths if is_virtual_environment(path) or is_instance_folder(path)]
        yield from (path for path in private if path not in skipped)
        names[:] = [path.name for path in paths if path not in skipped and path not in private]


def _literal(path: str) -> str:
    """Return a pattern that matches only this path."""
    return "".join(f"\\{each}" if each in "*?[]\\!#" else each for each in path)
