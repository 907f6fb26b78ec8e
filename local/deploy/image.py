"""Choose the image that the deployed task definition names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from infra.application import Application
from local.deploy.mode import OPT_OUT, Mode, ProcessMode
from local.workspace.errors import FIX_LAST_LINES

PUBLISHED: Final = re.compile(r"success: Published .*/AssetImage")
"""What `cdk deploy` prints for a pushed image; for one that the registry already has it prints nothing."""


@dataclass(frozen=True, slots=True)
class Image:
    """The version to deploy. Where no image is built, the task definition names `name`, as `placeholder` says."""

    version: str
    name: str | None
    placeholder: str | None

    @property
    def context(self) -> tuple[str, ...]:
        """Return the CDK context that selects both."""
        return (f"version={self.version}", *(() if self.name is None else (f"image={self.name}",)))

    @property
    def is_built(self) -> bool:
        """Return whether `cdk deploy` builds and pushes the image."""
        return self.placeholder is None

    @property
    def remedy(self) -> str:
        """Return what to do when `cdk deploy` fails."""
        return f"{FIX_LAST_LINES}; without an image: make down, then {OPT_OUT}" if self.is_built else FIX_LAST_LINES

    def outcome(self, deploy_log: str) -> str:
        """Return whether the deployment built, reused or skipped the image."""
        if self.placeholder is not None:
            return self.placeholder
        if PUBLISHED.search(deploy_log):
            return "built and pushed to the emulated ECR"
        return "unchanged: the emulated ECR already has it"


def choose(application: Application, fingerprint: str, mode: Mode) -> Image:
    """Return the image that the containers run or, for a process, a placeholder named by the code's fingerprint."""
    version = version_of(fingerprint)
    if not isinstance(mode, ProcessMode):
        return Image(version, None, None)
    name = f"{application.slug}-{application.container_name}:{fingerprint}"
    return Image(version, name, f"not built: the task definition names the placeholder {name}")


def version_of(fingerprint: str) -> str:
    """Return the version of code on this machine, `local+<fingerprint>`."""
    return f"local+{fingerprint}"
