from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.source_files import NOT_CODE
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


def test_every_folder_that_an_image_has_counts_a_hidden_one_too(tmp_path: Path) -> None:
    before = fingerprint(tmp_path)
    (tmp_path / ".well-known").mkdir()
    (tmp_path / ".well-known" / "security.txt").write_text("Contact: mailto:a@example.com", encoding="utf-8")

    assert fingerprint(tmp_path) != before


@pytest.mark.parametrize("name", sorted(each.removeprefix("/") for each in NOT_CODE if "*" not in each))
def test_no_folder_of_a_tool_counts(tmp_path: Path, name: str) -> None:
    before = fingerprint(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / name / "file").write_text("text", encoding="utf-8")

    assert fingerprint(tmp_path) == before
