"""Identify the version of the code by a short hash of its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NoReturn

from operations.errors import OperatorError

DIGITS: Final = 12
EXCLUDED: Final = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "node_modules",
        "__pycache__",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        "cdk.out",
        ".local",
    }
)
"""The folders that no image has (infra/image_context.py, which imports the CDK), and this mode's state."""
WRITTEN: Final = frozenset({".db", ".log", ".pyc", ".sqlite", ".sqlite3"})
"""Endings of what an application writes into its folder while it runs."""


def fingerprint(*places: Path) -> str:
    """Return 12 hex digits of the SHA-256 over the names and contents of the files in folders, and of single files.

    Left out are virtual environments, what no image has, and what a running application writes.

    Raises `OperatorError` for what cannot be read.
    """
    try:
        return _digest(places)
    except OSError as error:
        raise OperatorError(
            f"{error.filename} cannot be read: {error.strerror}", "Make it readable, or move it out of that folder"
        ) from error


def _digest(places: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(_files(place)):
            name = path.relative_to(place.parent if place.is_file() else place).as_posix().encode()
            content = path.read_bytes()
            digest.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return digest.hexdigest()[:DIGITS]


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    for folder, folders, names in os.walk(place, onerror=_raise):
        folders[:] = [each for each in folders if _is_source(Path(folder, each))]
        paths = (Path(folder, name) for name in names)
        yield from (path for path in paths if path.suffix not in WRITTEN and path.is_file())


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_source(folder: Path) -> bool:
    return folder.name not in EXCLUDED and not (folder / "pyvenv.cfg").exists()
