"""Roll an environment back: deploy the commit of an earlier version, by that commit's own `make deploy`.

The ECS service cannot be pointed back at the task definition before: CloudFormation deregisters a task definition that
it has replaced, and ECS accepts none that is INACTIVE ("UpdateService", Amazon ECS API Reference). It would also drift
from its stack, so that the next deploy compares with a template that does not run.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from flask_onetrace.contract import is_version
from operations import git
from operations.errors import OperatorError, without_credentials

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements/dev.txt", "requirements/uv.txt", "package-lock.json", "scripts/setup")
"""What the installed dependencies are made of: the prerequisites of `READY` in the Makefile."""
INSTALLED: Final = (".venv", "node_modules")
_READY: Final = ".venv/ready"


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy the version; return the exit status, which is that of `make deploy` if it fails."""
    parser = argparse.ArgumentParser(prog="python -m operations.roll_back", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment of infra/environments.py")
    parser.add_argument("--to", required=True, metavar="VERSION", help="the version, as `git describe` prints it")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        commit = git.commit_of(options.root, options.to)
        with _worktree(options.root, commit) as folder:
            sys.stdout.write(f"Roll {options.environment} back to {options.to}, the commit {commit}\n")
            sys.stdout.flush()
            _deploy(options.root, folder, options.environment, options.to)
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"The roll back failed: check what {options.environment} runs (make deployed-version).\n")
        return error.returncode
    return 0


@contextmanager
def _worktree(root: Path, commit: str) -> Iterator[Path]:
    """Check the commit out into a folder of its own, for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="roll-back-") as parent:
        folder = Path(parent) / "checkout"
        git.run(root, "worktree", "add", "--quiet", "--detach", str(folder), commit)
        try:
            yield folder
        finally:
            git.run(root, "worktree", "remove", "--force", str(folder))


def _deploy(root: Path, folder: Path, environment: str, version: str) -> None:
    """Run the commit's `make deploy`, with the installed dependencies if they are of the same locks.

    Else it installs its own. Raises `CalledProcessError`.
    """
    if not is_version(version):  # make and its shells would read a tag of other characters
        raise OperatorError(
            f"The version {version!r} is malformed", "Name a commit, or a tag of letters, digits and _.+-"
        )
    command = ["make", "--directory", str(folder), "deploy"]
    command += [f"ENV={environment}", f"VERSION={version}", "APPROVAL=never"]
    if _same_locks(root, folder):
        for name in INSTALLED:
            (folder / name).symlink_to((root / name).resolve())
        # Its prerequisites were written by the checkout just now, and are newer.
        command.append(f"--old-file={_READY}")
    subprocess.run(command, check=True)  # noqa: S603 - the version is checked above


def _same_locks(root: Path, folder: Path) -> bool:
    installed, locked = ([_content(each / name) for name in LOCKS] for each in (root, folder))
    return installed == locked


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
