"""Run the docker command that the CDK command line runs, against the engine that it selects."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAM_VARIABLE: Final = "CDK_DOCKER"
"""Names the program that the CDK runs in place of docker."""
HOST_VARIABLE: Final = "DOCKER_HOST"
ENGINE_VARIABLES: Final = (
    PROGRAM_VARIABLE,
    "BUILDX_BUILDER",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    HOST_VARIABLE,
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "SSH_AUTH_SOCK",  # for DOCKER_HOST=ssh://
    "XDG_RUNTIME_DIR",  # holds the socket of a rootless engine
)
"""Select the engine for the docker command ("Environment variables", Docker's command line reference)."""
TIMEOUT_SECONDS: Final = 10
WARNING_LINE: Final = re.compile(r"WARNING|DEPRECATED", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """`message` is the first line on stderr that is no warning, else the exit code."""

    succeeded: bool
    output: str
    message: str


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that select the engine."""
    return {name: environ[name] for name in ENGINE_VARIABLES if name in environ}


def select(environ: Mapping[str, str], socket: Path | str) -> dict[str, str]:
    """Return `environ` with the engine of a unix socket as the one that the docker command uses."""
    return {**environ, HOST_VARIABLE: f"unix://{socket}"}


def program(environ: Mapping[str, str]) -> str | None:
    """Return the path of the docker program, None if there is none."""
    return shutil.which(environ.get(PROGRAM_VARIABLE) or "docker", path=environ.get("PATH"))


def docker(environ: Mapping[str, str], *arguments: str) -> Result:
    """Run the docker command to its end, for at most `TIMEOUT_SECONDS`."""
    base = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    try:
        result = subprocess.run(  # noqa: S603 - fixed arguments, to the program that the user's environment names
            [program(environ) or "docker", *arguments],
            env=base | variables(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Result(succeeded=False, output="", message=f"docker {arguments[0]} timed out after {TIMEOUT_SECONDS} s")
    except OSError as error:
        return Result(succeeded=False, output="", message=str(error))
    lines = [text for line in result.stderr.splitlines() if (text := line.strip()) and not WARNING_LINE.match(text)]
    message = lines[0] if lines else f"exit {result.returncode}"
    return Result(succeeded=result.returncode == 0, output=result.stdout, message=message)


def log_out(environ: Mapping[str, str], registry: str) -> None:
    """Remove the registry's credentials, which `cdk deploy` left in the user's docker configuration."""
    docker(environ, "logout", registry)
