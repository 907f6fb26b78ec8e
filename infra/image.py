"""Choose the image of the Flask container."""

from pathlib import Path
from typing import Final

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs

CONTEXT: Final = Path(__file__).parent.parent
DOCKERFILE: Final = "service/Dockerfile"
EXCLUDE: Final = ("**/__pycache__", "**/*.pyc")


def service_image(name: str | None, *, arm64: bool) -> ecs.ContainerImage:
    """Return the existing image `name`, or without a name the one that the CDK builds from `service/Dockerfile`."""
    if name is not None:
        return ecs.ContainerImage.from_registry(name)
    return ecs.ContainerImage.from_asset(
        str(CONTEXT),
        file=DOCKERFILE,
        exclude=list(EXCLUDE),
        ignore_mode=IgnoreMode.DOCKER,
        # The architecture of the task definition, also where the image is built on another one.
        platform=ecr_assets.Platform.LINUX_ARM64 if arm64 else ecr_assets.Platform.LINUX_AMD64,
    )
