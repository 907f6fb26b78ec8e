from __future__ import annotations

import os
from pathlib import Path

import pytest

from local.backing_services import console_page
from operations.errors import OperatorError


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page of one module."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.tsx").write_text("document.title = 'first';")
    (tmp_path / "src" / "favicon.svg").write_text("<svg/>")
    (tmp_path / "index.html").write_text("")
    monkeypatch.setattr(console_page, "WEB", tmp_path)
    monkeypatch.setattr(console_page, "DIST", tmp_path / "dist")
    return tmp_path


def test_the_page_is_built_again_only_after_a_change(web: Path) -> None:
    bundle = console_page.build() / "main.js"
    assert "first" in bundle.read_text()
    bundle.write_text("kept")
    console_page.build()
    assert bundle.read_text() == "kept"
    source = web / "src" / "main.tsx"
    source.write_text("document.title = 'second';")
    newer = bundle.stat().st_mtime + 1
    os.utime(source, (newer, newer))
    console_page.build()
    assert "second" in bundle.read_text()


def test_an_error_of_a_source_is_that_of_the_build(web: Path) -> None:
    (web / "src" / "main.tsx").write_text("const = 1;")
    with pytest.raises(OperatorError, match=r"main\.tsx:1"):
        console_page.build()


def test_without_esbuild_the_error_says_what_to_run(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_page, "ESBUILD", web / "missing")
    with pytest.raises(OperatorError, match="Run make setup"):
        console_page.build()
