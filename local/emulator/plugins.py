"""List the plug-ins: one module with an `install` function for each extended AWS service; the boundary is the last."""

from __future__ import annotations

from typing import Final

from local.emulator import autoscaling, boundary, cloudwatch, ec2, ecr, ecs, load_balancer, secretsmanager, sqs
from local.emulator.logs import service as logs
from local.emulator.xray import service as xray

PLUGINS: Final = (autoscaling, cloudwatch, ec2, ecr, ecs, load_balancer, logs, secretsmanager, sqs, xray, boundary)

_installed: Final[list[str]] = []


def install(*, registry_address: str | None) -> None:
    """Install every plug-in once per process."""
    if not _installed:
        for plugin in PLUGINS:
            plugin.install()
            _installed.append(plugin.__name__)
    ecr.push_to(registry_address)
