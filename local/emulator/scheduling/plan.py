"""Decide which tasks of a service to start and to stop: the rolling update of Amazon ECS, as a function of its state.

Sources: "Deploy Amazon ECS services by replacing tasks", "Amazon ECS services" (how unhealthy tasks are replaced) and
"DeploymentConfiguration" (Amazon ECS API reference).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PERCENT: Final = 100
SCALING: Final = "Scaling activity initiated by (deployment {})"
"""Amazon ECS's reason for each task that is not needed any more, of an earlier deployment or of the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """A task that has not been told to stop. `created` orders tasks, the oldest first."""

    arn: str
    deployment: str
    created: str
    healthy: bool
    """Whether it runs, its containers are healthy and so is its target."""
    unhealthy: str
    """Why it has failed its health checks, empty if it has not; a task that is starting is neither."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """A service: how many tasks it shall have, and the deployment whose tasks these shall be."""

    desired: int
    primary: str
    primary_has_failed: bool
    """Whether it failed and nothing was there to roll back to: then nothing is started any more."""
    minimum_percent: int
    maximum_percent: int
    tasks: Sequence[TaskState]


@dataclass(frozen=True, slots=True)
class Plan:
    """How many tasks of the primary deployment to start, and which tasks to stop, by ARN, each with a reason."""

    start: int
    stop: dict[str, str]


def plan(service: ServiceState) -> Plan:
    """Return the next step. It keeps the service's minimum of healthy tasks and its maximum of tasks."""
    minimum = -(-service.desired * service.minimum_percent // PERCENT)
    maximum = service.desired * service.maximum_percent // PERCENT
    current = [each for each in service.tasks if each.deployment == service.primary]
    usable = [each for each in current if not each.unhealthy]
    missing = max(0, service.desired - len(usable))
    room = max(0, maximum - len(service.tasks))
    start = 0 if service.primary_has_failed else min(missing, room)
    stop = _surplus(service, usable)
    stop |= _replaced(service, current, minimum, shortage=missing - start)
    stop |= _unhealthy(service, current, has_room=missing <= room or service.primary_has_failed)
    return Plan(start, stop)


def _surplus(service: ServiceState, usable: Sequence[TaskState]) -> dict[str, str]:
    """Return the tasks above the desired count: those that are not healthy yet, then the newest."""
    ordered = sorted(usable, key=lambda each: each.created, reverse=True)
    ordered.sort(key=lambda each: each.healthy)
    surplus = ordered[: max(0, len(usable) - service.desired)]
    return {each.arn: SCALING.format(service.primary) for each in surplus}


def _replaced(service: ServiceState, current: Sequence[TaskState], minimum: int, *, shortage: int) -> dict[str, str]:
    """Return the tasks of earlier deployments that go: one for each healthy new one, or to make room."""
    if service.primary_has_failed:
        return {}
    earlier = [each for each in service.tasks if each.deployment != service.primary]
    # One that has become unhealthy has started, and may still respond: those that are starting go first.
    others = sorted((each for each in earlier if not each.healthy), key=lambda each: bool(each.unhealthy))
    healthy = sorted((each for each in earlier if each.healthy), key=lambda each: each.created)
    new = sum(each.healthy for each in current)
    spare = max(0, new + len(healthy) - minimum)
    surplus = len(healthy) + new - service.desired
    # Those that are not healthy may be all that responds while the new ones start.
    stopped = others if healthy or new else others[: max(0, shortage)]
    stopped += healthy[: min(spare, max(new + shortage, surplus))]
    return {each.arn: each.unhealthy or SCALING.format(service.primary) for each in stopped}


def _unhealthy(service: ServiceState, current: Sequence[TaskState], *, has_room: bool) -> dict[str, str]:
    """Return the unhealthy tasks to stop: once they are replaced, or where there is no room for a replacement."""
    unhealthy = [each for each in current if each.unhealthy]
    healthy = sum(each.healthy for each in current)
    if healthy >= service.desired:
        return {each.arn: each.unhealthy for each in unhealthy}
    return {} if has_room else {each.arn: each.unhealthy for each in unhealthy[:1]}
