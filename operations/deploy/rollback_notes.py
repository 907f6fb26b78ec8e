"""Say, before a deploy, when a failed one would not be rolled back.

ECS has nothing to roll a service's first deployment back to, and ignores an alarm that is in ALARM when a deployment
starts ("How CloudWatch alarms detect Amazon ECS deployment failures", Amazon ECS Developer Guide).
"""

from __future__ import annotations

from infra.names import Names
from operations.deploy.alarms import firing_alarms
from operations.deploy.clients import Clients
from operations.deploy.plain_text import one_line
from operations.deploy.services import services_of
from operations.deploy.stacks import cluster_name


def rollback_notes(clients: Clients, names: Names, *, is_first: bool) -> list[str]:
    """Return a line for each reason, none if there is none. Raises botocore's `ClientError`."""
    if is_first:
        return [f"note: this is the first deploy of {names.environment}: ECS has none to roll it back to"]
    cluster = cluster_name(clients.cloudformation, names)
    services = services_of(clients.ecs, cluster) if cluster else []
    alarms = [name for service in services for name in service.alarms]
    return [
        f"warning: the alarm {one_line(alarm.name)} is in ALARM: ECS ignores it during this deploy, and does not roll"
        " back for it"
        for alarm in firing_alarms(clients.cloudwatch, alarms)
    ]
