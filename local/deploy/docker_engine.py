"""Ask the Docker engine of this machine, if there is one, the way the CDK command line will."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final

from local.workspace.errors import LocalError

VARIABLE: Final = "LOCAL_IMAGE"
SKIP: Final = "skip"
OPT_OUT: Final = f"make up {VARIABLE}={SKIP}"
COMMAND_VARIABLE: Final = "CDK_DOCKER"
"""Names the command that the CDK runs in place of docker."""
VARIABLES: Final = (
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
    "XDG_RUNTIME_DIR",  # where an engine without root keeps its socket
)
"""Tell the docker command which engine to use ("Environment variables", Docker's command line reference)."""
ASK_SECONDS: Final = 10
NEVER_PUSHED: Final = "reachable:never-pushed"
ANSWERED: Final = re.compile(r"not found|(name|manifest) unknown", re.IGNORECASE)
"""What a registry says, through any engine, of an image that it does not have."""
ASIDE: Final = re.compile(r"WARNING|DEPRECATED", re.IGNORECASE)


def variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what chooses the engine, for the environment of a process that is to use it."""
    return {name: environ[name] for name in VARIABLES if name in environ}


def why_no_engine(environ: Mapping[str, str]) -> str | None:
    """Return why no engine is to build the image; None when one answers.

    Raises `LocalError` for a bad `LOCAL_IMAGE`, and for an engine that refuses this user.
    """
    choice = environ.get(VARIABLE, "").strip()
    if choice not in ("", SKIP):
        raise LocalError(f"{VARIABLE}={choice!r} is not known", f"Set it to {SKIP}, or not at all to have one built")
    if choice == SKIP:
        return f"{VARIABLE}={SKIP}"
    if _program(environ) is None:
        return "no Docker engine here"
    # Not info: older clients write its errors among its answer.
    answers, said = _ask(environ, "version")
    if not answers and "permission denied" in said.lower():
        raise LocalError(
            f"The Docker engine refuses this user: {said}",
            "Become a member of its group (sudo usermod -aG docker $USER, then log in anew), "
            f"or do without an image: {OPT_OUT}",
        )
    return None if answers else f"no Docker engine answers ({said})"


def why_no_push(environ: Mapping[str, str], registry: str) -> str | None:
    """Return why the engine cannot push to `registry` (host:port) of this machine; None when it can.

    The 127.0.0.1 of an engine in a virtual machine (Docker Desktop) or network of its own (rootless) is another one.
    """
    _, said = _ask(environ, "pull", f"{registry}/{NEVER_PUSHED}")
    return None if ANSWERED.search(said) else f"the Docker engine does not reach {registry} of this machine ({said})"


def log_out(environ: Mapping[str, str], registry: str) -> None:
    """Remove what `cdk deploy` left in the person's docker configuration for a registry that will be gone."""
    _ask(environ, "logout", registry)


def _program(environ: Mapping[str, str]) -> str | None:
    return shutil.which(environ.get(COMMAND_VARIABLE) or "docker", path=environ.get("PATH"))


def _ask(environ: Mapping[str, str], *question: str) -> tuple[bool, str]:
    """Return whether the command succeeded, and the first line of its complaint."""
    base = {name: environ[name] for name in ("PATH", "HOME") if name in environ}
    try:
        asked = subprocess.run(  # noqa: S603 - a fixed question to the program that the person's environment names
            [_program(environ) or "docker", *question],
            env=base | variables(environ),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False, f"docker {question[0]} took more than {ASK_SECONDS} s"
    except OSError as error:
        return False, str(error)
    lines = [line.strip() for line in asked.stderr.splitlines() if line.strip() and not ASIDE.match(line.strip())]
    return asked.returncode == 0, lines[0] if lines else f"exit {asked.returncode}"
