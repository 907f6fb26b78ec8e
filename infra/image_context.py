"""Stage the build context of application_image/Dockerfile: the runtime, its lock, and the application's folder.

A folder and no named build contexts, which Docker's classic builder does not have.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from aws_cdk import CopyOptions, FileSystem, IgnoreMode

from infra.application import Application, ApplicationError

CHECKOUT: Final = Path(__file__).parent.parent
RUNTIME: Final = CHECKOUT / "flask_onetrace"
DOCKERFILE: Final = Path(__file__).parent / "application_image" / "Dockerfile"
RUNTIME_LOCK: Final = CHECKOUT / "service" / "requirements.txt"
"""The runtime's packages, with hashes."""

_DOCKERIGNORE: Final = ".dockerignore"
EXCLUDED: Final = (
    "**/.git",
    "**/.hg",
    "**/.svn",
    "**/.venv",
    "**/node_modules",
    "**/__pycache__",
    "**/*.pyc",
    "**/.env",
    "**/.env.*",
    "**/.mypy_cache",
    "**/.pytest_cache",
    "**/.ruff_cache",
    "cdk.out",
    "onetrace.toml",
    _DOCKERIGNORE,
)
"""What is no part of an image whatever the application's .dockerignore says: history, what was installed or cached on
this machine, and files that hold keys."""


def stage_context(application: Application, target: Path) -> None:
    """Fill the empty folder `target` with what the Dockerfile copies. Raises `ApplicationError`."""
    shutil.copy(DOCKERFILE, target / DOCKERFILE.name)
    runtime = target / "runtime"
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(RUNTIME, runtime / RUNTIME.name, ignore=ignored)
    shutil.copy(RUNTIME_LOCK, runtime / "requirements.txt")
    options = CopyOptions(exclude=exclusions(application), ignore_mode=IgnoreMode.DOCKER)
    (target / "app").mkdir()
    try:
        FileSystem.copy_directory(str(application.folder), str(target / "app"), options)
    except RuntimeError as error:  # the CDK's: of a file, or of a pattern in the .dockerignore
        reason = str(error).strip().partition("\n")[0]
        raise ApplicationError(
            f"{application.folder} cannot be copied into the image's build context: {reason}",
            "correct the pattern, or leave the file out by the folder's .dockerignore",
        ) from error


def exclusions(application: Application) -> list[str]:
    """Return the patterns of files to leave out, in the format of a .dockerignore; the last one that matches decides.

    Virtual environments are left out under any name.
    """
    folder = application.folder
    own = folder / _DOCKERIGNORE
    lines = own.read_text(encoding="utf-8", errors="replace").splitlines() if own.is_file() else []
    needed = [f"!{application.requirements}"] if application.requirements else []
    return [*lines, *needed, *EXCLUDED, *virtual_environments(folder)]


def virtual_environments(folder: Path) -> Iterator[str]:
    """Yield the paths of virtual environments within `folder`, wherever they are."""
    for path, folders, files in os.walk(folder):
        if "pyvenv.cfg" in files and Path(path) != folder:
            yield str(Path(path).relative_to(folder))
            folders.clear()
        folders[:] = [each for each in folders if each not in {".git", "node_modules"}]
