"""Find the projects on this machine that requirements install, such as `.` or `-e .`, and keep their folders clean."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

DESCRIPTIONS: Final = ("pyproject.toml", "setup.py", "setup.cfg")
"""The files that say what a project requires."""
_LINE: Final = re.compile(r"\s*(?P<editable>(?:-e|--editable)[\s=]+)?(?P<target>[^\s#;-][^#;]*)")
_REFERENCE: Final = re.compile(r"^[\w.-]+(?:\[[^]]*\])?\s*@\s*(?=file:)")
"""What precedes the URL in `shop[web] @ file:///srv/shop`."""
_FILE_SCHEME: Final = re.compile(r"^file:(?://(?:localhost)?(?=/))?")
_EXTRAS: Final = re.compile(r"\[[^]]*\]$")


@dataclass(frozen=True, slots=True)
class LocalProject:
    """A folder that requirements install."""

    folder: Path
    is_editable: bool

    @property
    def descriptions(self) -> list[Path]:
        """Return those of its files that say what it requires."""
        return [file for name in DESCRIPTIONS if (file := self.folder / name).is_file()]

    def is_copied_from(self, working_directory: Path) -> bool:
        """Return whether Python imports a copy, which an edit does not change, and not the files of the folder."""
        in_place = self.folder == working_directory and not (self.folder / "src").is_dir()
        return not self.is_editable and not in_place

    def build_output(self) -> set[Path]:
        """Return what setuptools has written into its folder. An editable one may be imported from its `build`."""
        patterns = ("*.egg-info", "src/*.egg-info", *(() if self.is_editable else ("build",)))
        return {path for pattern in patterns for path in self.folder.glob(pattern) if path.is_dir()}


def local_projects(files: Iterable[Path], folder: Path) -> list[LocalProject]:
    """Return the projects that requirements `files` name. Their paths are relative to `folder`, as for uv."""
    lines = [line for file in files for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [project for line in lines if (project := _project(line, folder)) is not None]


def _project(line: str, folder: Path) -> LocalProject | None:
    match = _LINE.match(line)
    if match is None:
        return None
    text = _REFERENCE.sub("", match["target"].strip())
    path = unquote(_FILE_SCHEME.sub("", text)) if text.startswith("file:") else text
    path = _EXTRAS.sub("", path)
    # A name without a slash is a package of the index, whatever the folder holds.
    if not path or ("/" not in path and not path.startswith(".")) or not (folder / path).is_dir():
        return None
    return LocalProject((folder / path).resolve(), match["editable"] is not None)


@contextmanager
def without_build_output(projects: Iterable[LocalProject]) -> Iterator[None]:
    """Remove what an installation writes into the projects' folders, and leave what was there before."""
    before = [(project, project.build_output()) for project in projects]
    try:
        yield
    finally:
        for project, existing in before:
            for path in project.build_output() - existing:
                shutil.rmtree(path, ignore_errors=True)
