"""Identify the version of the code by a short hash of its files."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

DIGITS: Final = 12
EXCLUDED: Final = frozenset({"__pycache__", "node_modules"})


def fingerprint(*folders: Path) -> str:
    """Return 12 hex digits of the SHA-256 over the names and contents of the files in `folders`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and EXCLUDED.isdisjoint(path.parts):
                name = path.relative_to(folder).as_posix().encode()
                content = path.read_bytes()
                digest.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return digest.hexdigest()[:DIGITS]
