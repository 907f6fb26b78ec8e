"""Use the Docker engine by its command line."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from typing import Any, Final

BUILD_SECONDS: Final = 400
SECONDS: Final = 60


class EngineError(AssertionError):
    """A docker command failed; the message has it and the end of its output."""


def docker(
    *arguments: str, stdin: str | None = None, seconds: float = SECONDS, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a docker command. Raises `EngineError` where it fails, unless `check` is false."""
    process = subprocess.run(
        ["docker", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        encoding="utf-8",
        errors="replace",
    )
    if check and process.returncode != 0:
        output = "\n".join((process.stdout + process.stderr).splitlines()[-40:])
        raise EngineError(f"docker {' '.join(arguments)} exited with {process.returncode}:\n{output}")
    return process


def inspect(name: str) -> dict[str, Any]:
    """Return what the engine knows of a container or an image."""
    [document] = json.loads(docker("inspect", name).stdout)
    assert isinstance(document, dict)
    return document


def has_image(name: str) -> bool:
    return docker("image", "inspect", name, check=False).returncode == 0


def build(dockerfile: str, *options: str, context: str, tag: str, build_args: Sequence[str] = ()) -> str:
    """Build the text of a Dockerfile on the host's network, which reaches package registries; return `tag`."""
    arguments = [each for pair in build_args for each in ("--build-arg", pair)]
    docker(
        "build", "--network", "host", "--tag", tag, *options, *arguments, "--file", "-", context,
        stdin=dockerfile, seconds=BUILD_SECONDS,
    )  # fmt: skip
    return tag
