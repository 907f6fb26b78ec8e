"""The images that the agent itself runs, and their build context.

`relay` holds the network namespace of a task. `xray-daemon` is the stand-in of the X-Ray daemon's image, where that
cannot be pulled: this project's fake of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[3]
DOCKERFILE: Final = "local/containers/images/Dockerfile"
SOURCES: Final = (
    DOCKERFILE,
    "local/__init__.py",
    "local/containers/images/relay.py",
    "local/fakes/__init__.py",
    "local/fakes/server.py",
    "local/fakes/xray_daemon",
    "local/request_guard",
    "service/requirements.txt",
)
"""What both images are built from, as paths of the checkout. The checkout's own .dockerignore is the service's."""


def stage_context(target: Path, checkout: Path = CHECKOUT) -> Path:
    """Copy the build context into `target`, an empty folder; return the path of its Dockerfile."""
    for source in SOURCES:
        destination = target / source
        destination.parent.mkdir(parents=True, exist_ok=True)
        if (checkout / source).is_dir():
            shutil.copytree(checkout / source, destination, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(checkout / source, destination)
    return target / DOCKERFILE
