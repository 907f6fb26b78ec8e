"""Find what there is of a deployment in the engine and on this machine."""

from __future__ import annotations

from collections.abc import Sequence

import psutil

from local.containers.engine import DEPLOYMENT_LABEL, deployment_of
from local.workspace.processes import MARKER
from tests.containers.engine import docker, inspect
from tests.local_environment import LocalEnvironment


def leftovers(environment: LocalEnvironment) -> dict[str, Sequence[str]]:
    """Return the names of all that is left, by kind; empty where nothing is."""
    label = f"label={DEPLOYMENT_LABEL}={deployment_of(environment.folders.emulator)}"
    listed = {
        "containers": ("container", "ls", "--all", "--quiet"),
        "networks": ("network", "ls", "--quiet"),
        "volumes": ("volume", "ls", "--quiet"),
    }
    found: dict[str, Sequence[str]] = {
        kind: docker(*command, "--filter", label).stdout.split() for kind, command in listed.items()
    }
    found["processes"] = [
        " ".join(each.cmdline())
        for each in psutil.process_iter()
        if each.status() != psutil.STATUS_ZOMBIE and _state_folder(each) == str(environment.state_folder)
    ]
    found["sockets"] = [str(each) for each in environment.state_folder.rglob("*") if each.is_socket()]
    return {kind: each for kind, each in found.items() if each}


def volumes_of(environment: LocalEnvironment) -> list[str]:
    """Return the volumes of all containers, those without a label too."""
    containers = leftovers(environment).get("containers", ())
    mounts = [mount for each in containers for mount in inspect(each)["Mounts"]]
    return [each["Name"] for each in mounts if each["Type"] == "volume"]


def _state_folder(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return None
