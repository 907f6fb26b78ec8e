"""Read the ECS services of a cluster: their deployments, and the events that ECS writes about them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from operations.deploy.clients import Client
from operations.deploy.reader import error_code

PRIMARY: Final = "PRIMARY"
COMPLETED: Final = "COMPLETED"
FAILED: Final = "FAILED"
NAME: Final = re.compile(r"^\(service [^)]*\)\s*")
BATCH_SIZE: Final = 10
"""Services per call of DescribeServices (Amazon ECS API Reference)."""


class Deployment(NamedTuple):
    """One rollout of a task definition. ECS names no `rollout_state` for a deployment controller other than its own."""

    id: str
    status: str
    task_definition: str
    rollout_state: str
    reason: str


class ServiceEvent(NamedTuple):
    """What ECS reports about a service, without the service's name; it keeps the newest hundred."""

    at: datetime
    id: str
    message: str


class Service(NamedTuple):
    """A service as DescribeServices has it."""

    cluster: str
    name: str
    deployments: tuple[Deployment, ...]
    events: tuple[ServiceEvent, ...]
    alarms: tuple[str, ...]

    @property
    def primary(self) -> Deployment | None:
        """The deployment whose task definition the service keeps running."""
        return next((each for each in self.deployments if each.status == PRIMARY), None)


def services_of(ecs: Client, cluster: str) -> list[Service]:
    """Return the cluster's services, none of a cluster that is deleted. Raises botocore's `ClientError`."""
    pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
    try:
        arns = [arn for page in pages for arn in page.get("serviceArns") or []]
    except ClientError as error:
        if error_code(error) == "ClusterNotFoundException":
            return []
        raise
    return [
        each for start in range(0, len(arns), BATCH_SIZE) for each in _describe(ecs, cluster, arns[start:][:BATCH_SIZE])
    ]


def service(ecs: Client, cluster: str, name: str) -> Service | None:
    """Return one service, None if the cluster has none of this name. Raises botocore's `ClientError`."""
    return next(iter(_describe(ecs, cluster, [name])), None)


def _describe(ecs: Client, cluster: str, names: list[str]) -> list[Service]:
    described = ecs.describe_services(cluster=cluster, services=names).get("services") or []
    return [_service(cluster, each) for each in described if each.get("serviceName")]


def _service(cluster: str, described: dict[str, Any]) -> Service:
    alarms = (described.get("deploymentConfiguration") or {}).get("alarms") or {}
    return Service(
        cluster=cluster,
        name=described["serviceName"],
        deployments=tuple(_deployment(each) for each in described.get("deployments") or []),
        events=tuple(
            ServiceEvent(each["createdAt"], each.get("id") or each["message"], NAME.sub("", each["message"]))
            for each in described.get("events") or []
            if each.get("createdAt") and each.get("message")
        ),
        alarms=tuple(alarms.get("alarmNames") or []),
    )


def _deployment(described: dict[str, Any]) -> Deployment:
    return Deployment(
        id=described.get("id") or "",
        status=described.get("status") or "",
        task_definition=described.get("taskDefinition") or "",
        rollout_state=described.get("rolloutState") or "",
        reason=described.get("rolloutStateReason") or "",
    )
