"""Identify the version of the application's code, for a process that runs on this machine."""

from __future__ import annotations

from pathlib import Path

from infra import fingerprint as files
from operations.errors import OperatorError


def fingerprint(*places: Path) -> str:
    """Return the fingerprint of folders and files. Raises `OperatorError` for what cannot be read."""
    try:
        return files.fingerprint(*places)
    except OSError as error:
        raise OperatorError(
            f"{error.filename} cannot be read: {error.strerror}", "Make it readable, or move it out of that folder"
        ) from error
