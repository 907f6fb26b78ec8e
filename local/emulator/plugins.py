"""List the plug-ins: one module with an `install` function for each extended AWS service; the boundary is the last."""

from __future__ import annotations

from typing import Final

from local.emulator import (
    alarms,
    autoscaling,
    boundary,
    cloudwatch,
    ec2,
    ecr,
    ecs,
    embedded_metrics,
    forwarding,
    load_balancer,
    permissions,
    registry_logins,
    secretsmanager,
    sqs,
    target_health,
)
from local.emulator.logs import service as logs
from local.emulator.registry import escape_responses
from local.emulator.xray import service as xray

PLUGINS: Final = (autoscaling, cloudwatch, ec2, ecr, ecs, load_balancer, logs, secretsmanager, sqs, xray, boundary)

_installed: Final[list[str]] = []


def install(*, registry_address: str | None, administrator: tuple[str, str] | None = None) -> None:
    """Install every plug-in once per process; with the administrator's credentials IAM is enforced."""
    if not _installed:
        escape_responses()
        for plugin in PLUGINS:
            plugin.install()
            _installed.append(plugin.__name__)
    ecr.push_to(registry_address)
    if administrator is not None:
        permissions.install(administrator)
        registry_logins.install()


def install_load_balancing(*, minute: float = alarms.PERIOD_OF_A_MINUTE) -> None:
    """Check targets, forward to healthy ones, publish metrics and evaluate alarms; each `minute` has so many seconds.

    For tasks that run in containers, after `install`, once per process.
    """
    target_health.install()
    forwarding.install()
    embedded_metrics.install()
    alarms.install(minute)
