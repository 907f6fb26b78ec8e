"""Choose what the Flask container runs."""

from pathlib import Path
from typing import Final

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs

CONTEXT: Final = Path(__file__).parent.parent / "service"
NOT_IN_THE_IMAGE: Final = ("**/__pycache__", "**/*.pyc")


def service_image(name: str | None) -> ecs.ContainerImage:
    """Build `service/Dockerfile` at deployment, or name a plain image where no container engine can build."""
    if name is not None:
        return ecs.ContainerImage.from_registry(name)
    return ecs.ContainerImage.from_asset(
        str(CONTEXT),
        exclude=list(NOT_IN_THE_IMAGE),
        ignore_mode=IgnoreMode.DOCKER,
        # The task definition asks for this architecture, whatever machine builds.
        platform=ecr_assets.Platform.LINUX_AMD64,
    )
