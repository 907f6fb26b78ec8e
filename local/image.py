"""Decide what the deployed task definition names as the service's image."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from service import __version__

PLAIN_IMAGE: Final = "cruddur-backend-flask"
ENGINE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Image:
    """The context that `cdk` gets, and the sentence that says so to the person."""

    context: tuple[str, ...]
    note: str


def choose(fingerprint: str, *, engine: bool) -> Image:
    """Return the built image where an engine can build it, else a plain name that carries the code's fingerprint."""
    version = f"version={__version__}+{fingerprint}"
    if engine:
        return Image((version,), "built from service/Dockerfile by the Docker engine found here")
    plain = f"{PLAIN_IMAGE}:{fingerprint}"
    return Image((version, f"image={plain}"), f"no Docker engine, so nothing is built: the name {plain} stands for it")


def engine_answers() -> bool:
    """Tell whether a Docker engine can be reached."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    try:
        asked = subprocess.run([docker, "info"], capture_output=True, timeout=ENGINE_SECONDS, check=False)  # noqa: S603 - a fixed question to the program found on PATH
    except subprocess.TimeoutExpired:
        return False
    return asked.returncode == 0
