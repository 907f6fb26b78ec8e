"""Print the version that an environment runs, to roll back to it: before a deploy.

Prints nothing where the environment has not been deployed yet. In GitHub Actions it also becomes the step's output
`version` ("Setting an output parameter", Workflow commands, GitHub Docs).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import Output, is_version
from infra.application import selected_folder
from operations import git
from operations.deployment import NO_SUCH_STACK, aws_session, deployed_service
from operations.errors import OperatorError, without_credentials
from operations.selection import selected_names

_STEP_OUTPUTS: Final = "GITHUB_OUTPUT"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the version; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.deployed_version", description=__doc__)
    parser.add_argument("--environment", required=True, help="the environment of infra/environments.py")
    parser.add_argument("--no-downgrade", action="store_true", help="fail where it is newer than the checkout")
    parser.add_argument("--root", type=Path, help="the checkout (default: that of the application)")
    options = parser.parse_args(arguments)
    environment: str = options.environment
    try:
        version = _deployed_version(environment)
        if version is not None and options.no_downgrade:
            _refuse_downgrade(options.root or git.checkout_of(selected_folder()), environment, version)
    except OperatorError as error:
        sys.stderr.write(f"{without_credentials(error.problem)}\n{error.remedy}.\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{without_credentials(error)}\nCheck that your credentials are those of {environment!r}.\n")
        return 1
    if version is None:
        sys.stderr.write(f"note: {environment} is not deployed: there is no version to roll back to\n")
        return 0
    sys.stdout.write(f"{version}\n")
    # A line break in it would set another output of the step.
    if (outputs := os.environ.get(_STEP_OUTPUTS)) and is_version(version):
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.write(f"version={version}\n")
    return 0


def _refuse_downgrade(root: Path, environment: str, version: str) -> None:
    """Raise `OperatorError` where the environment runs a later commit than the checkout's.

    A version that is no commit's, such as one that was deployed from a person's own changes, is taken for an older one.
    """
    try:
        commit = git.commit_of(root, version)
    except OperatorError:
        return
    if git.is_behind(root, commit):
        raise OperatorError(
            f"{environment} runs {version}, which is newer than this checkout",
            f"This commit is superseded. To deploy it anyway: make roll-back ENV={environment} TO=…",
        )


def _deployed_version(environment: str) -> str | None:
    try:
        return deployed_service(aws_session(), selected_names(environment)).version
    except KeyError as error:
        if error.args == (Output.TASK_DEFINITION,):  # the stack's first deploy failed, or has not ended
            return None
        raise
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == NO_SUCH_STACK:
            return None
        raise


if __name__ == "__main__":
    sys.exit(main())
