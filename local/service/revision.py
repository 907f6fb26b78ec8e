"""Register the revision of the task definition that runs a version of the code, without deploying the stacks again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.contract import Output, Variable
from local.backing_services.emulated_aws import EmulatedAws
from local.service.task import TaskSpec, container_spec
from operations.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import ServiceTypeDef, TaskTypeDef

INHERITED: Final = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "volumes",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
)
"""What a revision has of the stack's, beside its containers (Amazon ECS API reference, RegisterTaskDefinition)."""


def register_revision(aws: EmulatedAws, outputs: Mapping[str, str], version: str, image: str | None) -> str:
    """Return the ARN of a revision with `version` and `image`: the stack's, the service's current one or a new one."""
    service = service_of(aws, outputs)
    container = container_name(service)
    stack = _definition(aws, outputs[Output.TASK_DEFINITION])
    wanted: list[Any] = [
        _with_version(each, version, image) if each["name"] == container else each
        for each in stack["containerDefinitions"]
    ]
    for definition in (stack, _definition(aws, service["taskDefinition"])):
        if definition["containerDefinitions"] == wanted:
            return str(definition["taskDefinitionArn"])
    inherited = {name: stack[name] for name in INHERITED if stack.get(name)}
    tags: Any = [{"key": "version", "value": version}]
    response = aws.ecs.register_task_definition(**inherited, containerDefinitions=wanted, tags=tags)
    return response["taskDefinition"]["taskDefinitionArn"]


def spec_of(aws: EmulatedAws, outputs: Mapping[str, str], task_definition: str) -> TaskSpec:
    """Return the container of a revision that the service's load balancer reaches."""
    definition = aws.ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"]
    return container_spec(definition, container_name(service_of(aws, outputs)))


def output_groups(aws: EmulatedAws, task_definition: str) -> list[str]:
    """Return the log groups that the containers of a revision write to."""
    containers = _definition(aws, task_definition)["containerDefinitions"]
    options = [each.get("logConfiguration", {}).get("options", {}) for each in containers]
    return list(dict.fromkeys(each["awslogs-group"] for each in options if "awslogs-group" in each))


def current(aws: EmulatedAws, outputs: Mapping[str, str]) -> str:
    """Return the ARN of the revision that the service runs."""
    return service_of(aws, outputs)["taskDefinition"]


def run_revision(aws: EmulatedAws, outputs: Mapping[str, str], task_definition: str) -> None:
    """Have the emulated service run a revision, unless it does."""
    if current(aws, outputs) != task_definition:
        cluster, service = outputs[Output.CLUSTER], outputs[Output.SERVICE]
        aws.ecs.update_service(cluster=cluster, service=service, taskDefinition=task_definition)


def deregister(aws: EmulatedAws, outputs: Mapping[str, str], task_definition: str) -> None:
    """Deregister a revision that failed, unless it is the stack's own."""
    if task_definition != outputs[Output.TASK_DEFINITION]:
        aws.ecs.deregister_task_definition(taskDefinition=task_definition)


def service_of(aws: EmulatedAws, outputs: Mapping[str, str]) -> ServiceTypeDef:
    """Return the deployed service. Raises `OperatorError` where there is none."""
    cluster, name = outputs[Output.CLUSTER], outputs[Output.SERVICE]
    services = aws.ecs.describe_services(cluster=cluster, services=[name])["services"]
    if not services:
        raise OperatorError(f"Cluster {cluster} has no service {name}", "Run make down, then make up")
    return services[0]


def tasks(aws: EmulatedAws, outputs: Mapping[str, str]) -> list[TaskTypeDef]:
    """Return the service's tasks that have not been told to stop, the newest last."""
    cluster, service = outputs[Output.CLUSTER], outputs[Output.SERVICE]
    arns = aws.ecs.list_tasks(cluster=cluster, serviceName=service, desiredStatus="RUNNING")["taskArns"]
    found = aws.ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return sorted(found, key=lambda each: each["createdAt"])


def container_name(service: ServiceTypeDef) -> str:
    """Return the container to which the load balancer sends the requests."""
    return service["loadBalancers"][0]["containerName"]


def _definition(aws: EmulatedAws, arn: str) -> dict[str, Any]:
    return dict(aws.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"])


def _with_version(container: Mapping[str, Any], version: str, image: str | None) -> dict[str, Any]:
    values = {pair["name"]: pair["value"] for pair in container["environment"]}
    values[Variable.SERVICE_VERSION] = version
    environment = [{"name": name, "value": value} for name, value in values.items()]
    return {**container, "environment": environment, "image": image or container["image"]}
