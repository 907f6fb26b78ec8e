"""Choose the image of the application's container."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from aws_cdk import Annotations, IgnoreMode, SymlinkFollowMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from constructs import Construct

from infra.application import Application
from infra.application_packages import packages_of
from infra.image_context import DOCKERFILE, stage_context

EXCLUDE: Final = ("**/__pycache__", "**/*.pyc")
FOLLOW: Final = SymlinkFollowMode.NEVER
"""As `docker build`: the CDK would copy what a link leads to outside of the context, as somebody's keys."""


def service_image(scope: Construct, application: Application, name: str | None, *, arm64: bool) -> ecs.ContainerImage:
    """Return the existing image `name`, or without a name the one that the CDK builds.

    That is the application's own Dockerfile in its context, else the project's with the runtime and the application.
    """
    if name is not None:
        return ecs.ContainerImage.from_registry(name)
    # The architecture of the task definition, also where the image is built on another one.
    platform = ecr_assets.Platform.LINUX_ARM64 if arm64 else ecr_assets.Platform.LINUX_AMD64
    own = application.image
    if own.dockerfile is None or own.context is None:
        return _application_image(scope, application, platform)
    return ecs.ContainerImage.from_asset(
        str(own.context),
        file=str(own.dockerfile.relative_to(own.context)),
        exclude=list(EXCLUDE),
        ignore_mode=IgnoreMode.DOCKER,
        follow_symlinks=FOLLOW,
        platform=platform,
    )


def _application_image(scope: Construct, application: Application, platform: ecr_assets.Platform) -> ecs.ContainerImage:
    """Return the image of a context that is staged here: the CDK copies it at once, and its hash follows it."""
    packages = packages_of(application)
    if packages is not None and packages.warning is not None:
        Annotations.of(scope).add_warning_v2("onetrace:unread-lock", packages.warning)
    with tempfile.TemporaryDirectory(prefix="onetrace-image-") as folder:
        stage_context(application, packages, Path(folder))
        asset = ecr_assets.DockerImageAsset(
            Construct(scope, "Image"),
            "AssetImage",
            directory=folder,
            file=DOCKERFILE.name,
            build_args={
                "REQUIREMENTS": "" if packages is None else packages.file,
                "FLASK_APP": application.flask_app or "",
                "PORT": str(application.port),
            },
            exclude=list(EXCLUDE),
            ignore_mode=IgnoreMode.DOCKER,
            follow_symlinks=FOLLOW,
            platform=platform,
        )
    return ecs.ContainerImage.from_docker_image_asset(asset)
