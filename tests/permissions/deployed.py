"""Read from a deployment what the tables need, and send their calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask_onetrace.contract import Variable
from tests.permissions.table import Call, DeployedTask, Json

Client = Any
"""A boto3 client of any service."""


def deployed_task(definition: Json, client: Callable[[str], Client]) -> DeployedTask:
    """Return what an administrator sees of a deployed task definition (DescribeTaskDefinition)."""
    containers = definition["containerDefinitions"]
    variables = {each["name"]: each["value"] for container in containers for each in container.get("environment", [])}
    secrets = [each["valueFrom"] for container in containers for each in container.get("secrets", [])]
    stored = [each["ARN"] for each in client("secretsmanager").list_secrets()["SecretList"]]
    [output_group] = {each["logConfiguration"]["options"]["awslogs-group"] for each in containers}
    [image] = {each["image"] for each in containers if "/cdk-" in each["image"]}
    return DeployedTask(
        log_group=variables[Variable.CLOUDWATCH_LOG_GROUP],
        output_group=output_group,
        secrets=tuple(secrets),
        other_secret=next(arn for arn in stored if arn not in secrets),
        repository=image.partition("/")[2].partition(":")[0],
        roles=tuple(each["Arn"] for each in client("iam").list_roles()["Roles"]),
    )


def calls_document(
    endpoint: str, region: str, calls: Iterable[Call], credentials: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return the input of `signed_calls`; without credentials, for a process in a container of the task."""
    requests = [each.request for each in calls]
    return {"endpoint": endpoint, "region": region, "credentials": credentials, "requests": requests}
