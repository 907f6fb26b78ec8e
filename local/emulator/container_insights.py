"""Publish how many tasks each ECS service has and should have, where Container Insights is enabled for its cluster.

Source: "Amazon ECS Container Insights metrics", CloudWatch User Guide. CPU and memory are not emulated.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.core.responses import request_scope
from ministack.services import ecs

from local.emulator.metric_store import put

NAMESPACE: Final = "ECS/ContainerInsights"
COUNTS: Final = {
    "DesiredTaskCount": "desiredCount",
    "PendingTaskCount": "pendingCount",
    "RunningTaskCount": "runningCount",
}
"""The field of a service for each metric."""


def publish(start: float) -> None:
    """Publish the counts for the minute that began at `start`, in seconds since the epoch."""
    for (account, region, _), service in ecs._services.all_items():
        with request_scope(account, region):
            cluster = str(service["clusterArn"]).rpartition("/")[2]
            if service["status"] == "ACTIVE" and _is_enabled(ecs._clusters.get(cluster) or {}):
                dimensions = {"ClusterName": cluster, "ServiceName": service["serviceName"]}
                for name, field in COUNTS.items():
                    put(NAMESPACE, name, dimensions, {"Value": float(service[field]), "Unit": "Count"}, start=start)


def _is_enabled(cluster: dict[str, Any]) -> bool:
    settings = {each["name"]: each["value"] for each in cluster.get("settings", ())}
    return settings.get("containerInsights") in {"enabled", "enhanced"}
