from __future__ import annotations

from pathlib import Path

import pytest

from local.fingerprint import fingerprint
from local.image import choose, engine_answers
from service import __version__


def tree(root: Path) -> Path:
    (root / "telemetry").mkdir(parents=True)
    (root / "wsgi.py").write_text("one", encoding="utf-8")
    (root / "telemetry" / "core.py").write_text("two", encoding="utf-8")
    return root


def test_equal_code_has_an_equal_fingerprint_of_twelve_hex_digits(tmp_path: Path) -> None:
    first, second = fingerprint(tree(tmp_path / "a")), fingerprint(tree(tmp_path / "b"))

    assert first == second
    assert len(bytes.fromhex(first)) == 6


def test_what_python_caches_does_not_count(tmp_path: Path) -> None:
    before = fingerprint(tree(tmp_path / "a"))
    cache = tmp_path / "a" / "telemetry" / "__pycache__"
    cache.mkdir()
    (cache / "core.cpython-311.pyc").write_bytes(b"cached")

    assert fingerprint(tmp_path / "a") == before


def test_a_changed_renamed_or_added_file_changes_the_fingerprint(tmp_path: Path) -> None:
    seen = {fingerprint(tree(tmp_path / "a"))}
    (tmp_path / "a" / "wsgi.py").write_text("changed", encoding="utf-8")
    seen.add(fingerprint(tmp_path / "a"))
    (tmp_path / "a" / "wsgi.py").rename(tmp_path / "a" / "asgi.py")
    seen.add(fingerprint(tmp_path / "a"))
    (tmp_path / "a" / "empty").touch()
    seen.add(fingerprint(tmp_path / "a"))

    assert len(seen) == 4


def test_a_boundary_between_two_files_cannot_move_unseen(tmp_path: Path) -> None:
    for name, first, second in (("a", "xy", "z"), ("b", "x", "yz")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1").write_text(first, encoding="utf-8")
        (tmp_path / name / "2").write_text(second, encoding="utf-8")

    assert fingerprint(tmp_path / "a") != fingerprint(tmp_path / "b")


def test_without_an_engine_a_plain_image_is_named_and_said() -> None:
    image = choose("0123456789ab", engine=False)

    assert image.context == (f"version={__version__}+0123456789ab", "image=cruddur-backend-flask:0123456789ab")
    assert "no Docker engine" in image.note


def test_with_an_engine_the_image_is_built() -> None:
    image = choose("0123456789ab", engine=True)

    assert not [each for each in image.context if each.startswith("image=")]
    assert "built" in image.note


@pytest.mark.parametrize(("script", "answers"), [("exit 0", True), ("exit 1", False)])
def test_an_engine_answers_when_docker_info_succeeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, *, answers: bool
) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\n[ "$1" = info ] && {script}\n', encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert engine_answers() is answers


def test_no_docker_command_means_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert not engine_answers()
