from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.deploy.fingerprint import fingerprint
from operations.errors import OperatorError

REFUSED = r"secret\.pem cannot be read: Permission denied\. Make it readable, or move it"


def refuse(path: Path | str) -> None:
    raise PermissionError(13, "Permission denied", str(path))


def test_a_file_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret.pem").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root can read every file

    with pytest.raises(OperatorError, match=REFUSED):
        fingerprint(tmp_path)


def test_a_folder_that_cannot_be_read_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def walk(top: Path, *, onerror: Callable[[OSError], None]) -> Iterator[tuple[str, list[str], list[str]]]:
        onerror(PermissionError(13, "Permission denied", str(top / "secret.pem")))
        return iter(())

    monkeypatch.setattr(os, "walk", walk)

    with pytest.raises(OperatorError, match=REFUSED):
        fingerprint(tmp_path)
