"""Synthesize a commit's templates by its own app.py."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from operations import git
from operations.errors import OperatorError

_APP: Final = "app"
"""The context key of the application's folder."""
_DEFAULTS: Final = {"plain_http": "yes", "image": "application:unbuilt"}
"""An environment without a domain costs the same, and an image that is built does too."""
_PASSED: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR")
_CACHE: Final = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
_PACKAGES: Final = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
"""The variable's default, which the home folder of the process does not have."""
_NO_CREDENTIALS: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
_QUIET: Final = {"CDK_VALIDATION": "false", "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
_TIMEOUT: Final = 300
_CHARACTERS: Final = 300


def context_of(arguments: Sequence[str]) -> dict[str, str]:
    """Return the context that `-c key=value …` gives, of which the last one of a key counts. Raises `OperatorError`."""
    context = {}
    for option, value in zip(arguments[::2], [*arguments[1::2], ""], strict=False):
        key, equals, text = value.partition("=")
        if option not in {"-c", "--context"} or not equals:
            raise OperatorError(
                f"{' '.join((option, value)).strip()!r} is no context of the CDK", "Pass -c key=value, by CDK_CONTEXT="
            )
        context[key] = text
    return context


@contextmanager
def commit_checkout(root: Path, revision: str) -> Iterator[Path]:
    """Check the commit out into a folder of its own, for as long as the block runs. Raises `OperatorError`."""
    try:
        commit = git.run(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except OperatorError as error:
        raise OperatorError(
            f"{revision!r} is no commit of this checkout",
            "Name the one to compare with, as BASE=main; in GitHub Actions check out with `fetch-depth: 2`",
        ) from error
    with git.worktree(root, commit) as folder:
        yield folder


def synthesize(checkout: Path, output: Path, context: Mapping[str, str], *, root: Path) -> None:
    """Write the cloud assembly of a checkout, by its own app.py, in a process without credentials and a home folder.

    The packages are those of this process. An application in `root` is that of the checkout. Raises `OperatorError`.
    """
    given = {**_DEFAULTS, **{key: text for key, text in context.items() if text}}
    if _APP in given:
        given[_APP] = str(_moved(Path(given[_APP]).expanduser(), root, checkout))
    with tempfile.TemporaryDirectory(prefix="home-") as home:
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment |= _NO_CREDENTIALS | _QUIET | {"HOME": home, _CACHE: os.environ.get(_CACHE, str(_PACKAGES))}
        environment |= {"CDK_OUTDIR": str(output), "CDK_CONTEXT_JSON": json.dumps({**_flags(checkout), **given})}
        _run(checkout, environment)


def _run(checkout: Path, environment: Mapping[str, str]) -> None:
    """Run app.py. What it prints is for the job's log, in which GitHub masks secrets: a comment has its last line."""
    with subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise OperatorError(f"app.py ran for {_TIMEOUT} s and was ended", "Run make synth") from error
        finally:
            # With what it has started: the CDK's node above all.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        sys.stderr.write(printed)
        last = (printed.strip().splitlines() or [f"it exited with {process.returncode}"])[-1]
        raise OperatorError(f"app.py failed: {last[:_CHARACTERS]}", "Its other lines are in the job's log")


def _flags(checkout: Path) -> dict[str, object]:
    """Return the feature flags of the checkout's cdk.json, which the CDK's command would pass."""
    try:
        content = json.loads((checkout / "cdk.json").read_text(encoding="utf-8"))
        return dict(content.get("context", {}))
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise OperatorError(f"cdk.json cannot be read: {error}", "Check the file") from error


def _moved(folder: Path, root: Path, checkout: Path) -> Path:
    resolved = (root / folder).resolve()
    return checkout / resolved.relative_to(root.resolve()) if resolved.is_relative_to(root.resolve()) else resolved
