"""Identify the version of code by a short hash of its files.

Shared by the stacks, the Makefile (`python -m infra.fingerprint <folder>`) and the local mode; it needs the standard
library only.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

from infra.source_files import NOT_CODE, PRIVATE, is_instance_folder, is_matched, is_virtual_environment

DIGITS: Final = 12
WRITTEN: Final = frozenset({".db", ".log", ".sqlite", ".sqlite3"})
"""Endings of what an application writes into its folder while it runs."""


def fingerprint(*places: Path, private: bool = True) -> str:
    """Return 12 hex digits of the SHA-256 over the names and contents of the files in folders, and of single files.

    Left out are what is not code and what a running application writes; without `private` also what no image has:
    key files and the settings of this machine, which a process that runs here may read. Raises `OSError`.
    """
    digest = hashlib.sha256()
    for place in places:
        for path in sorted(_files(place, private=private)):
            name = path.relative_to(place.parent if place.is_file() else place).as_posix()
            encoded, content = os.fsencode(name), path.read_bytes()
            digest.update(b"%d:%s%d:%s" % (len(encoded), encoded, len(content), content))
    return digest.hexdigest()[:DIGITS]


def unversioned(folder: Path) -> str:
    """Return the version of an application that no repository gives one: `unversioned+<fingerprint>`."""
    return f"unversioned+{fingerprint(folder, private=False)}"


def _files(place: Path, *, private: bool) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    patterns = NOT_CODE if private else (*NOT_CODE, *PRIVATE)
    for folder, folders, names in os.walk(place, onerror=_raise):
        paths = (Path(folder, each) for each in folders)
        folders[:] = [path.name for path in paths if _is_source(path, place, patterns, private=private)]
        for path in (Path(folder, name) for name in names):
            if path.suffix not in WRITTEN and not is_matched(path, place, patterns) and path.is_file():
                yield path


def _raise(error: OSError) -> NoReturn:
    raise error


def _is_source(folder: Path, place: Path, patterns: tuple[str, ...], *, private: bool) -> bool:
    if is_matched(folder, place, patterns) or is_virtual_environment(folder):
        return False
    return private or not is_instance_folder(folder)


if __name__ == "__main__":
    sys.stdout.write(f"{unversioned(Path(sys.argv[1]).expanduser())}\n")
