from __future__ import annotations

from pathlib import Path

import pytest

from local.workspace.folders import Folders
from operations.errors import OperatorError


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_folders_are_private_also_those_that_an_earlier_version_made(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "state")
    nested = folders.root / "cdk.out" / "asset"
    nested.mkdir(parents=True)
    for folder in (folders.root, nested.parent, nested):
        folder.chmod(0o777)
    for path, before in ((nested / "file", 0o644), (nested / "program", 0o755)):
        path.touch()
        path.chmod(before)

    folders.make()

    assert {mode(path) for path in folders.root.rglob("*") if path.is_dir()} == {0o700}
    assert (mode(folders.root), mode(nested / "file"), mode(nested / "program")) == (0o700, 0o600, 0o700)


def test_a_link_out_of_the_state_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    outside.chmod(0o755)
    folders = Folders(tmp_path / "state")
    folders.make()
    (folders.root / "link").symlink_to(outside)
    (folders.root / "broken").symlink_to(tmp_path / "absent")

    folders.restrict()

    assert (mode(outside), mode(outside / "folder") & 0o055) == (0o755, 0o055)


def test_a_file_of_another_user_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = Folders(tmp_path / "state")

    def deny(path: Path, _mode: int) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "chmod", deny)

    with pytest.raises(OperatorError, match=r"state belongs to another user.*Delete .*state"):
        folders.make()


def test_temporary_files_are_removed_and_the_rest_is_kept(tmp_path: Path) -> None:
    folders = Folders(tmp_path)
    folders.make()
    for folder in (folders.temporary, folders.emulator, folders.logs):
        (folder / "file").touch()

    folders.remove_temporary()

    assert not folders.temporary.exists()
    assert not folders.emulator.exists()
    assert (folders.logs / "file").exists()
