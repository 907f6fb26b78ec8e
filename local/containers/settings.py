"""What differs on this machine from the deployed task definition: a file that `make up` writes and the agent reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

EVERY_CONTAINER: Final = ""
"""The name that stands for all containers of a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeStart:
    """A command that runs to its end, by `sh -c` in the container's image and environment, before a revision starts."""

    container: str
    command: str
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the command has beside the container's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSettings:
    """Read anew at the start of each task."""

    relay_image: str
    """Holds the task's network namespace and connects `host_ports`."""
    images: Mapping[str, str] = field(default_factory=dict)
    """The stand-in of an image that no registry provides, by the image's name in the task definition."""
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    """By container, the variables that replace or join the definition's; those of `EVERY_CONTAINER` too."""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By container, the text of files that are mounted into it read-only, by their paths there."""
    host_ports: tuple[int, ...] = ()
    """Ports of this machine's 127.0.0.1 that a task reaches at its own 127.0.0.1."""
    before_start: BeforeStart | None = None

    def save(self, path: Path) -> None:
        """Replace the file atomically; only its owner can read it."""
        temporary = path.with_suffix(".tmp")
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(asdict(self)), encoding="utf-8")
        temporary.replace(path)

    @classmethod
    def load(cls, path: Path) -> AgentSettings:
        """Return the saved settings. Raises `OSError` without a file."""
        document = json.loads(path.read_text(encoding="utf-8"))
        before_start = document.pop("before_start")
        document["host_ports"] = tuple(document["host_ports"])
        return cls(**document, before_start=BeforeStart(**before_start) if before_start else None)
