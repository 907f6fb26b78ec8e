"""Read the facts that ECS, IAM, Elastic Load Balancing and CloudWatch Logs have. Each raises botocore's errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from flask_onetrace.contract import Output
from operations.diagnosis.facts import Container, ContainerDefinition, Service, Target, Task, TaskDefinition
from operations.traces.deployment import Deployment
from operations.traces.reports import FILTER_PATTERN

if TYPE_CHECKING:
    from mypy_boto3_ecs.literals import DesiredStatusType

XRAY_ACTIONS: Final = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:GetSamplingStatisticSummaries",
)
"""As in infra/xray_sidecar.py, whose import would start the CDK."""
LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
MAX_LINES: Final = 1000
"""Of a container's output: of one that prints much, too, those since the last report of an outage."""
BATCH: Final = 100
"""Tasks of one DescribeTasks."""
MAX_TASKS: Final = 10
"""Tasks of each status, running and stopped, the newest: their containers' output is read."""


def service(deployment: Deployment) -> Service | None:
    """Return the service, None where the cluster has none of that name."""
    outputs = deployment.outputs
    response = deployment.aws.ecs.describe_services(cluster=outputs[Output.CLUSTER], services=[outputs[Output.SERVICE]])
    for each in response["services"]:
        rollouts = [
            one.get("rolloutState", "") for one in each.get("deployments", []) if one.get("status") == "PRIMARY"
        ]
        events = each.get("events", [])
        return Service(
            definition=each["taskDefinition"],
            desired=each.get("desiredCount", 0),
            running=each.get("runningCount", 0),
            rollout=rollouts[0] if rollouts else "",
            newest_event=str(events[0].get("message", "")) if events else "",
        )
    return None


def task_definition(deployment: Deployment, arn: str) -> TaskDefinition:
    """Return a revision."""
    definition = deployment.aws.ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    containers = [_container_definition(dict(each)) for each in definition.get("containerDefinitions", [])]
    return TaskDefinition(
        arn=definition.get("taskDefinitionArn", arn),
        containers={each.name: each for each in containers},
        task_role=definition.get("taskRoleArn", "") or "",
    )


def tasks(deployment: Deployment) -> Sequence[Task]:
    """Return the tasks that run, then those that ECS still knows to have stopped, the newest first."""
    statuses: tuple[DesiredStatusType, ...] = ("RUNNING", "STOPPED")
    return [task for status in statuses for task in _tasks(deployment, status)]


def targets(deployment: Deployment) -> Sequence[Target]:
    """Return the targets of the load balancer's group."""
    group = deployment.outputs[Output.TARGET_GROUP]
    described = deployment.aws.elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    return [
        Target(
            id=f"{each['Target']['Id']}:{each['Target'].get('Port', '')}",
            state=each["TargetHealth"].get("State", ""),
            reason=each["TargetHealth"].get("Description") or each["TargetHealth"].get("Reason", ""),
        )
        for each in described
    ]


def log_groups(deployment: Deployment) -> Sequence[str]:
    """Return the names of the log groups that begin with the application's name."""
    prefix = deployment.names.application.name
    pages = deployment.aws.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group["logGroupName"] for page in pages for group in page["logGroups"]]


def report_events(deployment: Deployment, since: float) -> Sequence[tuple[float, str]] | None:
    """Return the service's reports of its sinks since a time in seconds; None where there is no log group."""
    group = deployment.outputs.get(Output.LOG_GROUP, deployment.names.log_group)
    logs = deployment.aws.logs
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern=FILTER_PATTERN, startTime=int(since * 1000)
    )
    try:
        return [(event["timestamp"] / 1000, event["message"]) for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return None


def output_events(deployment: Deployment, container: ContainerDefinition, task: Task) -> Sequence[tuple[float, str]]:
    """Return the last lines that a container of a task printed (`awslogs-stream-prefix`, ECS Developer Guide)."""
    if not container.log_group:
        return []
    logs = deployment.aws.logs
    try:
        response = logs.get_log_events(
            logGroupName=container.log_group,
            logStreamName=f"{container.log_prefix}/{container.name}/{task.id}",
            limit=MAX_LINES,
            startFromHead=False,
        )
    except logs.exceptions.ResourceNotFoundException:  # it has printed nothing
        return []
    return [(each["timestamp"] / 1000, each["message"]) for each in response["events"]]


def denied(deployment: Deployment, role: str, group: str) -> frozenset[str]:
    """Return the actions of telemetry that the policy simulator denies a role: those of X-Ray, and on the log group."""
    partition, account = role.split(":")[1], role.split(":")[4]
    stream = f"arn:{partition}:logs:{deployment.region}:{account}:log-group:{group}:log-stream:verify"
    results = [
        result
        for actions, resource in ((XRAY_ACTIONS, "*"), (LOG_ACTIONS, stream))
        for result in deployment.aws.iam.simulate_principal_policy(
            PolicySourceArn=role, ActionNames=list(actions), ResourceArns=[resource]
        )["EvaluationResults"]
    ]
    return frozenset(each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed")


def _tasks(deployment: Deployment, status: DesiredStatusType) -> list[Task]:
    ecs, outputs = deployment.aws.ecs, deployment.outputs
    cluster, name = outputs[Output.CLUSTER], outputs[Output.SERVICE]
    arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus=status)["taskArns"][:BATCH]
    described = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    newest = sorted(map(_task, map(dict, described)), key=lambda each: each.started or 0.0, reverse=True)
    return newest[:MAX_TASKS]


def _task(task: dict[str, Any]) -> Task:
    started = task.get("startedAt")
    return Task(
        id=task["taskArn"].rpartition("/")[2],
        definition=task.get("taskDefinitionArn", ""),
        status=task.get("lastStatus", ""),
        started=started.timestamp() if isinstance(started, datetime) else None,
        containers=[
            Container(
                name=each.get("name", ""),
                status=each.get("lastStatus", ""),
                exit_code=each.get("exitCode"),
                reason=each.get("reason") or "",
            )
            for each in task.get("containers", [])
        ],
    )


def _container_definition(definition: dict[str, Any]) -> ContainerDefinition:
    options = (definition.get("logConfiguration") or {}).get("options") or {}
    return ContainerDefinition(
        name=definition.get("name", ""),
        variables={each["name"]: each.get("value", "") for each in definition.get("environment") or []},
        secrets={each["name"]: each.get("valueFrom", "") for each in definition.get("secrets") or []},
        log_group=options.get("awslogs-group", ""),
        log_prefix=options.get("awslogs-stream-prefix", ""),
    )
