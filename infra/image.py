"""Choose the image of the application's container."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs

from infra.application import Application
from infra.image_context import DOCKERFILE, stage_context

EXCLUDE: Final = ("**/__pycache__", "**/*.pyc")


def service_image(application: Application, name: str | None, *, arm64: bool) -> ecs.ContainerImage:
    """Return the existing image `name`, or without a name the one that the CDK builds.

    That is the application's own Dockerfile in its context, else the project's in a context that is staged here: it
    holds the runtime and the application. The CDK copies it at once, and its hash follows both.
    """
    if name is not None:
        return ecs.ContainerImage.from_registry(name)
    own = application.image
    if own.dockerfile is not None and own.context is not None:
        return _built(own.context, str(own.dockerfile.relative_to(own.context)), arm64=arm64)
    with tempfile.TemporaryDirectory(prefix="onetrace-image-") as folder:
        stage_context(application, Path(folder))
        arguments = {
            "REQUIREMENTS": application.requirements or "",
            "FLASK_APP": application.flask_app or "",
            "PORT": str(application.port),
        }
        return _built(Path(folder), DOCKERFILE.name, arm64=arm64, arguments=arguments)


def _built(
    context: Path, dockerfile: str, *, arm64: bool, arguments: dict[str, str] | None = None
) -> ecs.ContainerImage:
    return ecs.ContainerImage.from_asset(
        str(context),
        file=dockerfile,
        build_args=arguments,
        exclude=list(EXCLUDE),
        ignore_mode=IgnoreMode.DOCKER,
        # The architecture of the task definition, also where the image is built on another one.
        platform=ecr_assets.Platform.LINUX_ARM64 if arm64 else ecr_assets.Platform.LINUX_AMD64,
    )
