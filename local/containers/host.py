"""What the tasks of one agent share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from local.containers.before_start import Revisions
from local.containers.forwarding import Forwarder
from local.containers.launch import AssumeRole
from local.containers.network import TaskNetwork

if TYPE_CHECKING:
    from docker import DockerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The engine, the emulator and the folders of one deployment."""

    engine: DockerClient
    deployment: str
    processors: int
    """Of the engine's machine."""
    network: TaskNetwork
    forwarder: Forwarder
    folder: Path
    """Has a folder for each task."""
    settings_file: Path
    endpoint: str
    region: str
    assume_role: AssumeRole
    log: Callable[[str], None]
    revisions: Revisions = field(default_factory=Revisions)
