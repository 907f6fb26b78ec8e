"""Price the Container Insights of an ECS cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.money import counted
from operations.cost.scaling import task_definition
from operations.cost.templates import Resource
from operations.cost.units import GIB, HOURS

_EVERYWHERE: Final = 10
"""CPU, memory, ephemeral storage, each reserved and utilized, and network and storage, each in and out: by cluster, by
service and by task definition family."""
_SERVICE_ONLY: Final = 5
"""Deployments, task sets, and tasks that are desired, pending and running."""
_CLUSTER_ONLY: Final = 2
"""Services and tasks."""
_RESTARTS: Final = 3
"""Of containers with a restart policy: by cluster, by service and by family."""
_ENHANCED_CONTAINER: Final = 7
_ENHANCED_TASK: Final = 16
"""Metrics of a container and of a task with enhanced observability, each by several dimensions."""
_LOG_BYTES: Final = 1e6
"""Of a container's performance log events a day ("Capture ECS task events", Containers on AWS: about 1 MB)."""


def cluster(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the metrics and the log events of Container Insights, where the cluster's settings have it.

    Each metric is billed for each set of dimensions ("Amazon ECS Container Insights metrics" and "… with enhanced
    observability metrics", Amazon CloudWatch User Guide), and for the hours in which tasks run.
    """
    settings = {str(each.get("Name")): each.get("Value") for each in resource.records("ClusterSettings")}
    level = settings.get("containerInsights")
    if level not in ("enabled", "enhanced"):
        return
    services = [
        each.service
        for each in context.scalings.values()
        if context.templates.referred(each.service.get("Cluster")) is resource
    ]
    if level == "enhanced":
        metrics: list[tuple[float, str]] = [
            (_CLUSTER_ONLY, "by cluster"),
            *((_enhanced(context, each), "by task") for each in services),
        ]
        key = "container-insights-enhanced-metric-month"
    else:
        metrics = [(_EVERYWHERE + _CLUSTER_ONLY, "by cluster")]
        metrics += [part for each in services for part in _standard(context, each)]
        key = "custom-metric-month"
    count = sum(number for number, _ in metrics)
    yield context.item(
        resource,
        "Container Insights metrics",
        key,
        count * context.month,
        f"({' + '.join(f'{number:g} {of}' for number, of in metrics)}) x {context.hours:g} of {HOURS:g} h",
        by_traffic=level == "enhanced",
    )
    if level == "enabled":
        yield _log_events(context, resource, services)


def _log_events(context: Context, resource: Resource, services: Sequence[Resource]) -> LineItem:
    days = context.hours / 24
    containers = sum(context.tasks(each) * _containers(context, each) for each in services)
    context.notes.assume("Container Insights logs 1 MB a day for each container (Containers on AWS).")
    return context.item(
        resource,
        "Container Insights logs",
        "logs-ingestion-gb",
        containers * days * _LOG_BYTES / GIB,
        f"{counted(containers, 'container')} x 1 MB x {days:.1f} days",
        by_traffic=True,
    )


def _standard(context: Context, service: Resource) -> list[tuple[float, str]]:
    """Return the metrics by service and by its family, and those of restarts, each with what it is."""
    restarts = any(each.restarts for each in context.containers if each.service is service)
    metrics: list[tuple[float, str]] = [
        (_EVERYWHERE + _SERVICE_ONLY, "by service"),
        (_EVERYWHERE, "by task definition"),
    ]
    return [*metrics, (_RESTARTS, "of restarts")] if restarts else metrics


def _enhanced(context: Context, service: Resource) -> float:
    tasks, containers = context.tasks(service), _containers(context, service)
    checked = sum(1 for each in context.containers if each.service is service and each.has_health_check)
    health = 1 + 2 * checked + 2 * checked * tasks if checked else 0
    return (
        _ENHANCED_CONTAINER * (1 + 2 * containers + 2 * containers * tasks)
        + _ENHANCED_TASK * (3 + 2 * tasks)
        + _SERVICE_ONLY
        + health
    )


def _containers(context: Context, service: Resource) -> int:
    definition = task_definition(context.reader, service)
    return len(definition.records("ContainerDefinitions")) if definition else 0
