"""Decide what the deployed task definition names as the service's image."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from local.deploy.docker_engine import OPT_OUT
from local.workspace.errors import MEND
from service import __version__

PLAIN_IMAGE: Final = "cruddur-backend-flask"
PUSHED: Final = re.compile(r"success: Published .*/AssetImage")
"""What `cdk deploy` prints for an image; for one that the registry has already it prints nothing."""


@dataclass(frozen=True, slots=True)
class Image:
    """The context that `cdk` gets. `stand_in` says why nothing is built; None when the CDK builds and pushes."""

    context: tuple[str, ...]
    stand_in: str | None

    @property
    def built(self) -> bool:
        """Tell whether `cdk deploy` builds and pushes the image."""
        return self.stand_in is None

    @property
    def remedy(self) -> str:
        """Return what to do when `cdk deploy` fails."""
        return f"{MEND}; if it is the image, do without one: {OPT_OUT}" if self.built else MEND

    def told(self, deploy_log: str) -> str:
        """Return the sentence that says what became of the image in this deployment."""
        if self.stand_in is not None:
            return self.stand_in
        if PUSHED.search(deploy_log):
            return "built from service/Dockerfile by the Docker engine, and pushed to the emulated ECR"
        return "the emulated ECR has it already: neither built nor pushed anew"


def choose(fingerprint: str, why_not: str | None) -> Image:
    """Return the image to build, or, for the reason given, a plain name that carries the code's fingerprint."""
    version = f"version={__version__}+{fingerprint}"
    if why_not is None:
        return Image((version,), None)
    plain = f"{PLAIN_IMAGE}:{fingerprint}"
    return Image((version, f"image={plain}"), f"nothing is built, the name {plain} stands for it: {why_not}")
