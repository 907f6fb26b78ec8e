"""Find out whether the Docker engine that the CDK command line would use can build and push the image."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from operations.errors import OperatorError

VARIABLE: Final = "LOCAL_IMAGE"
SKIP: Final = "skip"
OPT_OUT: Final = f"make up {VARIABLE}={SKIP}"
COMMAND_VARIABLE: Final = "CDK_DOCKER"
"""Names the command that the CDK runs in place of docker."""
ENGINE_VARIABLES: Final = (
    COMMAND_VARIABLE,
    "BUILDX_BUILDER",
    "DOCKER_API_VERSION",
    "DOCKER_BUILDKIT",
    "DOCKER_CERT_PATH",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_HOST",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "SSH_AUTH_SOCK",  # for DOCKER_HOST=ssh://
    "XDG_RUNTIME_DIR",  # holds the socket of a rootless engine
)
"""Select the engine for the docker command ("Environment variables", Docker's command line reference)."""
TIMEOUT_SECONDS: Final = 10
MISSING_IMAGE: Final = "reachable:never-pushed"
IMAGE_NOT_FOUND: Final = re.compile(r"not found|(name|manifest) unknown", re.IGNORECASE)
"""A registry's error, through any engine, for an image that it does not have."""
WARNING_LINE: Final = re.compile(r"WARNING|DEPRECATED", re.IGNORECASE)


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that select the engine."""
    return {name: environ[name] for name in ENGINE_VARIABLES if name in environ}


def why_no_engine(environ: Mapping[str, str]) -> str | None:
    """Return why no engine can build the image, None if one can.

    Raises `OperatorError` for an invalid `LOCAL_IMAGE`, and for an engine that denies this user access.
    """
    choice = environ.get(VARIABLE, "").strip()
    if choice not in ("", SKIP):
        raise OperatorError(f"{VARIABLE}={choice!r} is not valid", f"Set it to {SKIP}, or unset it to build the image")
    if choice == SKIP:
        return f"{VARIABLE}={SKIP}"
    if _program(environ) is None:
        return "no Docker engine found"
    # Not `docker info`: older clients mix its errors into its output.
    succeeded, message = _docker(environ, "version")
    if not succeeded and "permission denied" in message.lower():
        raise OperatorError(
            f"Permission denied by the Docker engine: {message}",
            "Join its group (sudo usermod -aG docker $USER, then log in again), "
            f"or continue without an image: {OPT_OUT}",
        )
    return None if succeeded else f"the Docker engine does not respond ({message})"


def why_no_push(environ: Mapping[str, str], registry: str) -> str | None:
    """Return why the engine cannot push to `registry` (host:port) on this machine, None if it can.

    An engine in a virtual machine (Docker Desktop) or in its own network (rootless) has another 127.0.0.1.
    """
    _, message = _docker(environ, "pull", f"{registry}/{MISSING_IMAGE}")
    if IMAGE_NOT_FOUND.search(message):
        return None
    return f"the Docker engine cannot reach {registry} on this machine ({message})"


def log_out(environ: Mapping[str, str], registry: str) -> None:
    """Remove the registry's credentials, which `cdk deploy` left in the user's docker configuration."""
    _docker(environ, "logout", registry)


def _program(environ: Mapping[str, str]) -> str | None:
    return shutil.which(environ.get(COMMAND_VARIABLE) or "docker", path=environ.get("PATH"))


def _docker(environ: Mapping[str, str], *arguments: str) -> tuple[bool, str]:
    """Run the docker command; return whether it succeeded, and the first error line."""
    base = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    try:
        result = subprocess.run(  # noqa: S603 - fixed arguments, to the program that the user's environment names
            [_program(environ) or "docker", *arguments],
            env=base | variables(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"docker {arguments[0]} timed out after {TIMEOUT_SECONDS} s"
    except OSError as error:
        return False, str(error)
    lines = [text for line in result.stderr.splitlines() if (text := line.strip()) and not WARNING_LINE.match(text)]
    return result.returncode == 0, lines[0] if lines else f"exit {result.returncode}"
