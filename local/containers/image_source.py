"""Find the image of a container: a stand-in, the emulated registry's, or a public one.

Fargate pulls each image for each task. So does the agent from the emulated registry, which is on this machine, with
the token of the task's execution role. A public image is pulled where the engine does not have it, because most people
start more tasks than the public registries let them pull without an account.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from docker.errors import ImageNotFound

from local.containers.engine import ENGINE_ERRORS, explanation
from local.containers.errors import RETRIEVAL_FAILED, TaskStartError
from local.containers.launch import RoleError
from local.containers.roles import ExecutionRole, cause

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.images import Image

ECR: Final = re.compile(r"[0-9]{12}\.dkr\.ecr\.[^/]+/")
"""The address of an account's registry, which here is the emulator's ("Private registries", Amazon ECR User Guide)."""
ARCHITECTURES: Final = {"X86_64": "amd64", "ARM64": "arm64"}
"""The engine's name of each `cpuArchitecture` of a task definition."""


class Images:
    """The images of one task, pulled for its execution role."""

    def __init__(self, engine: DockerClient, role: ExecutionRole, stand_ins: Mapping[str, str]) -> None:
        self._engine = engine
        self._role = role
        self._stand_ins = stand_ins
        self._registry = urlsplit(role.endpoint).netloc

    def find(self, name: str, architecture: str) -> Image:
        """Return an image that the engine has now. Raises `TaskStartError`."""
        try:
            image = self._find(name)
        except ENGINE_ERRORS as error:
            raise TaskStartError(
                f"CannotPullContainerError: pull image manifest has been retried 1 time(s): "
                f"failed to resolve ref {name}: {explanation(error)}"
            ) from error
        actual = image.attrs.get("Architecture")
        if actual != ARCHITECTURES.get(architecture, architecture):
            raise TaskStartError(
                f"CannotPullContainerError: {name} is an image for {actual}, and the task definition's runtimePlatform "
                f"is {architecture}: build it for that, or change `architecture`"
            )
        return image

    def _find(self, name: str) -> Image:
        if (stand_in := self._stand_ins.get(name)) is not None:
            return self._engine.images.get(stand_in)
        if (match := ECR.match(name)) is not None:
            return self._pull(f"{self._registry}/{name[match.end() :]}", self._login())
        try:
            return self._engine.images.get(name)
        except ImageNotFound:
            return self._pull(name, {})

    def _pull(self, name: str, login: dict[str, str]) -> Image:
        # With a login given, even an empty one, the docker package starts no credential helper.
        for progress in self._engine.api.pull(name, stream=True, decode=True, auth_config=login):
            if "error" in progress:
                raise ImageNotFound(progress["error"])
        return self._engine.images.get(name)

    def _login(self) -> dict[str, str]:
        """Return the registry's credentials, which the execution role may get. Raises `TaskStartError`."""
        try:
            [data] = self._role.client("ecr").get_authorization_token()["authorizationData"]
        except (ClientError, BotoCoreError, RoleError) as error:
            raise TaskStartError(
                f"{RETRIEVAL_FAILED}: unable to retrieve ecr registry auth: "
                f"service call has been retried 1 time(s): {cause(error)}"
            ) from error
        username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return {"username": username, "password": password}


def digest_of(image: Image) -> str:
    """Return the digest of the image in its registry; empty for one that is in none."""
    digests = image.attrs.get("RepoDigests") or [""]
    return str(digests[0]).partition("@")[2]
