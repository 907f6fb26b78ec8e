"""Ask git about a checkout's commits."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from operations.errors import OperatorError

_DIRTY: Final = "-dirty"
"""What `git describe` appends for a checkout with changes that are in no commit."""


def run(root: Path, *arguments: str) -> str:
    """Return the command's output. Raises `OperatorError`."""
    command = ["git", "-C", str(root), *arguments]
    try:
        process = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - the git on PATH, without a shell
    except subprocess.CalledProcessError as error:
        raise OperatorError(f"git {arguments[0]} failed: {error.stderr.strip()}", "Check the checkout") from error
    return process.stdout.strip()


@contextmanager
def worktree(root: Path, commit: str) -> Iterator[Path]:
    """Check the commit out into a folder of its own, for as long as the block runs. Raises `OperatorError`."""
    with tempfile.TemporaryDirectory(prefix="worktree-") as parent:
        folder = Path(parent) / "checkout"
        run(root, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            run(root, "worktree", "remove", "--force", str(folder))


def checkout_of(folder: Path) -> Path:
    """Return the top of the checkout that `folder` is in. Raises `OperatorError`."""
    return Path(run(folder, "rev-parse", "--show-toplevel"))


def commit_of(root: Path, version: str) -> str:
    """Return the commit of a version, as `git describe` prints it. Raises `OperatorError` where there is none."""
    if not version:
        raise OperatorError("No version is named", "Pass one as TO=, such as TO=v1.2.0")
    if version.endswith(_DIRTY):
        raise OperatorError(
            f"{version} was deployed with changes that are in no commit", "Name the version of a commit"
        )
    try:
        return run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{version}^{{commit}}")
    except OperatorError as error:
        raise OperatorError(
            f"{version!r} is no version in this checkout's history",
            "Fetch all of it (git fetch --tags --unshallow), or check the version: `git describe` prints a commit's",
        ) from error


def is_behind(root: Path, commit: str) -> bool:
    """Return whether the checkout's commit is an ancestor of another one, and not the same."""
    head = run(root, "rev-parse", "HEAD")
    return head != commit and run(root, "merge-base", "HEAD", commit) == head
