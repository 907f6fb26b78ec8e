"""Roll an environment back: deploy the commit of an earlier version, by that commit's own `make deploy`.

The commit of an application in another repository has none: it is deployed by this checkout's.

The ECS service cannot be pointed back at the task definition before: CloudFormation deregisters a task definition that
it has replaced, and ECS accepts none that is INACTIVE ("UpdateService", Amazon ECS API Reference). It would also drift
from its stack, so that the next deploy compares with a template that does not run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from flask_onetrace.contract import is_version
from infra.application import DEFAULT_FOLDER, FOLDER_VARIABLE, selected_folder
from operations import git
from operations.errors import OperatorError, without_credentials

ROOT: Final = Path(__file__).parents[1]
LOCKS: Final = ("requirements/dev.txt", "requirements/uv.txt", "package-lock.json", "scripts/setup")
"""What the installed dependencies are made of: the prerequisites of `READY` in the Makefile."""
INSTALLED: Final = (".venv", "node_modules")
_READY: Final = ".venv/ready"
_MAKE_FLAGS: Final = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES")


def main(arguments: Sequence[str] | None = None) -> int:
    """Deploy the version; return the exit status, which is that of `make deploy` if it fails."""
    parser = argparse.ArgumentParser(prog="python -m operations.roll_back", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment of infra/environments.py")
    parser.add_argument("--to", required=True, metavar="VERSION", help="the version, as `git describe` prints it")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout")
    options = parser.parse_args(arguments)
    try:
        application = selected_folder()
        is_own = application == DEFAULT_FOLDER or application.is_relative_to(options.root.resolve())
        source = options.root if is_own else git.checkout_of(application)
        commit = git.commit_of(source, options.to)
        with git.worktree(source, commit) as folder:
            sys.stdout.write(f"Roll {options.environment} back to {options.to}, the commit {commit}\n")
            sys.stdout.flush()
            # In the worktree, where it is as of the commit.
            app = "" if application == DEFAULT_FOLDER else str(folder / application.relative_to(source.resolve()))
            _deploy(options.root, folder if is_own else options.root, _Target(options.environment, options.to, app))
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"The roll back failed: check what {options.environment} runs (make deployed-version).\n")
        return error.returncode
    return 0


class _Target(NamedTuple):
    """What to deploy and where: `app` is the application's folder, empty for the sample application's."""

    environment: str
    version: str
    app: str


def _deploy(root: Path, folder: Path, target: _Target) -> None:
    """Run the `make deploy` of the checkout in `folder`, with the installed dependencies if they are of the same locks.

    Else it installs its own. Raises `CalledProcessError`.
    """
    if not is_version(target.version):  # make and its shells would read a tag of other characters
        raise OperatorError(
            f"The version {target.version!r} is malformed", "Name a commit, or a tag of letters, digits and _.+-"
        )
    command = ["make", "--directory", str(folder), "deploy"]
    command += [f"ENV={target.environment}", f"VERSION={target.version}", "APPROVAL=never"]
    if folder != root and _same_locks(root, folder):
        for name in INSTALLED:
            (folder / name).symlink_to((root / name).resolve())
        # Its prerequisites were written by the checkout just now, and are newer.
        command.append(f"--old-file={_READY}")
    # By the environment, as not every commit's Makefile takes an argument with a `$` as it is. The flags of an outer
    # make precede the environment; all variables in them are in the environment too.
    environment = {name: text for name, text in os.environ.items() if name not in _MAKE_FLAGS}
    environment[FOLDER_VARIABLE] = target.app
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - the version is checked above


def _same_locks(root: Path, folder: Path) -> bool:
    installed, locked = ([_content(each / name) for name in LOCKS] for each in (root, folder))
    return installed == locked


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main())
