"""Choose what runs the deployed task definition on this machine: a Docker engine's containers, or a process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from local.deploy import docker_engine
from local.deploy.docker_engine import Engine, NoEngineError
from operations.errors import OperatorError

VARIABLE: Final = "LOCAL_MODE"
CONTAINERS: Final = "containers"
PROCESS: Final = "process"
OPT_OUT: Final = f"make up {VARIABLE}={PROCESS}"
FORMER_VARIABLE: Final = "LOCAL_IMAGE"


@dataclass(frozen=True, slots=True)
class ProcessMode:
    """The service is a process of this machine; no image is built."""

    reason: str


Mode = Engine | ProcessMode


def describe(mode: Mode) -> str:
    """Return what runs the task definition, and why it is a process where it is one."""
    if isinstance(mode, ProcessMode):
        return f"a process: {mode.reason}"
    return f"containers of Docker Engine {mode.version} at {mode.socket}"


def choose(environ: Mapping[str, str]) -> Mode:
    """Return the mode that `LOCAL_MODE` selects; where it is empty, containers where they can run.

    Raises `OperatorError` for another text, and for `containers` where they cannot run.
    """
    if environ.get(FORMER_VARIABLE):
        raise OperatorError(f"{FORMER_VARIABLE} is no longer a setting", f"Use {VARIABLE}={PROCESS}")
    choice = environ.get(VARIABLE, "").strip()
    if choice not in ("", CONTAINERS, PROCESS):
        raise OperatorError(f"{VARIABLE}={choice!r} is not valid", f"Set it to {CONTAINERS} or {PROCESS}, or unset it")
    if choice == PROCESS:
        return ProcessMode(f"{VARIABLE}={PROCESS}")
    try:
        return docker_engine.find(environ)
    except NoEngineError as error:
        if choice == CONTAINERS:
            raise OperatorError(error.problem, f"{error.remedy}, or continue without containers: {OPT_OUT}") from error
        return ProcessMode(f"{error.problem}. For containers: {error.remedy}")
