"""Connect to the Docker engine; name and find what belongs to a deployment in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import docker
import requests
from docker.errors import APIError, DockerException, NotFound

if TYPE_CHECKING:
    from docker import DockerClient

DEPLOYMENT_LABEL: Final = "onetrace.deployment"
TASK_LABEL: Final = "onetrace.task"
"""The ARN of the task."""
TIMEOUT_SECONDS: Final = 60
SHORT_ID: Final = 8
ENGINE_ERRORS: Final = (DockerException, requests.RequestException)


def connect(socket: Path) -> DockerClient:
    """Return a client of the engine that listens on a unix socket. Raises `DockerException`."""
    return docker.DockerClient(base_url=f"unix://{socket}", version="auto", timeout=TIMEOUT_SECONDS)


def deployment_of(state_folder: Path) -> str:
    """Return the name of the deployment whose state is in this folder, unique on this machine."""
    return hashlib.sha256(bytes(state_folder.resolve())).hexdigest()[:SHORT_ID]


def name_of(task_id: str) -> str:
    """Return how the names of a task's containers and volumes begin."""
    return f"onetrace-{task_id[:SHORT_ID]}"


def remove_leftovers(engine: DockerClient, deployment: str) -> int:
    """Remove what a killed agent has left of this deployment; return how many objects. Raises `DockerException`."""
    filters: dict[str, Any] = {"label": f"{DEPLOYMENT_LABEL}={deployment}"}
    containers = engine.containers.list(all=True, filters=filters, ignore_removed=True)
    for container in containers:
        remove(partial(container.remove, force=True, v=True))
    volumes, networks = engine.volumes.list(filters=filters), engine.networks.list(filters=filters)
    for removal in (*(each.remove for each in volumes), *(each.remove for each in networks)):
        remove(removal)
    return len(containers) + len(volumes) + len(networks)


def remove(removal: Callable[[], object]) -> None:
    """Remove an object of the engine; if it is gone or going, that is no error. Raises `DockerException`."""
    try:
        removal()
    except NotFound:
        pass
    except APIError as error:
        if "already in progress" not in explanation(error):
            raise


def explanation(error: Exception) -> str:
    """Return the engine's own words."""
    return str(error.explanation or error) if isinstance(error, APIError) else str(error)
