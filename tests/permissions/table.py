"""Tables of the calls that the roles of the deployed task may make, and of those that they may not.

What is refused is generated: every operation of every service that the emulator serves, from botocore's models.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.serialize import create_serializer

Json = dict[str, Any]

MODELS: Final = {
    "application-autoscaling": "application-autoscaling",
    "cloudformation": "cloudformation",
    "dynamodb": "dynamodb",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "elasticloadbalancing": "elbv2",
    "iam": "iam",
    "logs": "logs",
    "monitoring": "cloudwatch",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sqs": "sqs",
    "ssm": "ssm",
    "sts": "sts",
    "xray": "xray",
}
"""botocore's name of the model of each service, by the name in the signature."""

DENIED: Final = "is not authorized to perform"
NEVER_DENIED: Final = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})
"""Source: AWS STS API reference: both need no permissions."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation."""

    service: str
    operation: str
    parameters: Json = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the call as a row of the table."""
        return f"{self.service}:{self.operation} {self.parameters}"

    @property
    def request(self) -> Json:
        """Return the unsigned HTTP request, for `signed_calls`."""
        model = _model(self.service)
        serializer = create_serializer(model.metadata["protocol"], include_validation=False)
        raw = serializer.serialize_to_request(self.parameters, model.operation_model(self.operation))
        body, query = raw["body"], raw["query_string"]
        path, _, fixed = raw["url_path"].partition("?")
        return {
            "service": self.service,
            "method": raw["method"],
            "path": path,
            "query": "&".join(filter(None, [fixed, query if isinstance(query, str) else urlencode(query)])),
            "headers": dict(raw["headers"]),
            "body": urlencode(body) if isinstance(body, dict) else _text(body),
        }


def is_denied(call: Call, status: int, body: str) -> bool:
    """Return whether a response denies the call; that to HEAD has no body to say so."""
    if call.request["method"] == "HEAD":
        return status == HTTPStatus.FORBIDDEN
    return status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN} and DENIED in body


@dataclass(frozen=True, slots=True)
class DeployedTask:
    """What the tables need to know of the deployed service."""

    log_group: str
    output_group: str
    """The log group of the containers' standard output."""
    secrets: tuple[str, ...]
    """ARNs of the secrets that the containers get."""
    other_secret: str
    """The ARN of a secret of the deployment that they do not get."""
    repository: str
    roles: tuple[str, ...]
    """ARNs of roles of the account."""
    queue: str = "http://127.0.0.1/000000000000/table"


TASK_TRACES: Final = (
    Call("xray", "GetSamplingRules"),
    Call("xray", "GetSamplingStatisticSummaries"),
    Call("xray", "GetSamplingTargets", {"SamplingStatisticsDocuments": []}),
    Call("xray", "PutTelemetryRecords", {"TelemetryRecords": []}),
    Call("xray", "PutTraceSegments", {"TraceSegmentDocuments": []}),
)


def task_role_may(task: DeployedTask) -> list[Call]:
    """Return what the service and the X-Ray daemon call with the task's credentials."""
    return [*TASK_TRACES, *_log_writes(task.log_group)]


def task_role_may_not(task: DeployedTask) -> Iterator[Call]:
    """Yield the allowed actions on other resources, and every other operation."""
    for group in (task.output_group, f"{task.log_group}-2", "", "another"):
        yield from _log_writes(group)
    yield from _other_resources(task)
    yield from (_read_secret(each) for each in task.secrets)
    yield from _every_other_operation(task_role_may(task))


def execution_role_may(task: DeployedTask) -> list[Call]:
    """Return what Amazon ECS calls to start the task's containers."""
    return [
        Call("ecr", "GetAuthorizationToken"),
        *_pull(task.repository),
        *map(_read_secret, task.secrets),
        *(Call("secretsmanager", "DescribeSecret", {"SecretId": each}) for each in task.secrets),
        *_log_writes(task.output_group),
    ]


def execution_role_may_not(task: DeployedTask) -> Iterator[Call]:
    """Yield the allowed actions on other resources, and every other operation."""
    for group in (task.log_group, f"{task.output_group}-2", "", "another"):
        yield from _log_writes(group)
    yield from _pull(f"{task.repository}-2")
    yield Call("ecr", "DescribeRepositories", {"repositoryNames": [task.repository]})
    yield Call("ecr", "PutImage", {"repositoryName": task.repository, "imageManifest": "{}"})
    yield from _other_resources(task)
    yield from _every_other_operation(execution_role_may(task))


@dataclass(frozen=True, slots=True)
class DeployedStacks:
    """What `make deploy` and `make verify` read of one environment: the service's stack is the last one."""

    stacks: tuple[str, ...]
    log_group: str
    role: str
    """The ARN of the task role."""
    cluster: str
    service: str
    output_group: str
    alarm: str
    secret: str
    """One that the operators' commands read."""


def deploy_role_may(environment: DeployedStacks) -> list[Call]:
    """Return the calls of `operations` with the role of GitHub Actions; the CDK assumes the roles of its bootstrap."""
    cluster = {"cluster": environment.cluster}
    stream = {"logGroupName": environment.output_group, "logStreamName": "table"}
    kinds = ("DescribeStackEvents", "DescribeStacks", "ListStackResources")
    return [
        *(Call("cloudformation", kind, {"StackName": each}) for kind in kinds for each in environment.stacks),
        Call("monitoring", "DescribeAlarms", {"AlarmNames": [environment.alarm]}),
        Call("ecs", "DescribeServices", cluster | {"services": [environment.service]}),
        Call("ecs", "DescribeTasks", cluster | {"tasks": ["0" * 32]}),
        Call("ecs", "ListServices", cluster),
        Call("ecs", "ListTasks", cluster | {"serviceName": environment.service, "desiredStatus": "STOPPED"}),
        Call("logs", "GetLogEvents", stream),
        _read_secret(environment.secret),
        Call("logs", "FilterLogEvents", {"logGroupName": environment.log_group}),
        _simulate(environment.role),
    ]


def verify_role_may(environment: DeployedStacks) -> list[Call]:
    """Return the calls of `make verify` with its own role (infra/verify_policy.py)."""
    return [
        Call("cloudformation", "DescribeStacks", {"StackName": environment.stacks[-1]}),
        *(each for each in deploy_role_may(environment) if (each.service, each.operation) not in ONLY_DEPLOYS),
    ]


ONLY_DEPLOYS: Final = frozenset(
    {
        ("cloudformation", "DescribeStackEvents"),
        ("cloudformation", "DescribeStacks"),
        ("cloudformation", "ListStackResources"),
        ("ecs", "ListServices"),
        ("monitoring", "DescribeAlarms"),
    }
)
"""What the deploy role calls, and the role that verifies does not; of all stacks, it describes the service's alone."""
READ_ANYWHERE: Final = frozenset(
    {
        ("ecs", "DescribeTaskDefinition"),
        ("elasticloadbalancing", "DescribeTargetHealth"),
        ("logs", "DescribeLogGroups"),
        ("xray", "BatchGetTraces"),
        ("xray", "GetGroups"),
        ("xray", "GetIndexingRules"),
        ("xray", "GetSamplingRules"),
        ("xray", "GetTraceSegmentDestination"),
        ("xray", "GetTraceSummaries"),
    }
)
"""What both roles read, and AWS does not limit to an environment."""


def read_anywhere() -> Iterator[Call]:
    """Yield these calls."""
    yield from (each for each in every_operation() if (each.service, each.operation) in READ_ANYWHERE)


def verify_role_may_not(own: DeployedStacks, other: DeployedStacks) -> Iterator[Call]:
    """Yield the same calls in another environment, and every other operation."""
    yield from verify_role_may(other)
    yield from _every_other_operation([*verify_role_may(own), *read_anywhere()])


def _simulate(role: str) -> Call:
    return Call("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": role, "ActionNames": ["xray:PutTraceSegments"]})


def deploy_role_may_not(own: DeployedStacks, other: DeployedStacks) -> Iterator[Call]:
    """Yield the same calls in another environment, and every other operation."""
    yield from deploy_role_may(other)
    yield from _every_other_operation([*deploy_role_may(own), *read_anywhere()])


def _log_writes(group: str) -> list[Call]:
    stream = {"logGroupName": group, "logStreamName": "table"}
    return [Call("logs", "CreateLogStream", stream), Call("logs", "PutLogEvents", stream | {"logEvents": []})]


def _pull(repository: str) -> list[Call]:
    name = {"repositoryName": repository}
    layer = "sha256:" + 64 * "0"
    return [
        Call("ecr", "BatchCheckLayerAvailability", name | {"layerDigests": [layer]}),
        Call("ecr", "BatchGetImage", name | {"imageIds": [{"imageTag": "table"}]}),
        Call("ecr", "GetDownloadUrlForLayer", name | {"layerDigest": layer}),
    ]


def _read_secret(arn: str) -> Call:
    return Call("secretsmanager", "GetSecretValue", {"SecretId": arn})


def _other_resources(task: DeployedTask) -> Iterator[Call]:
    yield _read_secret(task.other_secret)
    yield Call("secretsmanager", "BatchGetSecretValue", {"SecretIdList": [task.other_secret]})
    for role in task.roles:
        yield Call("sts", "AssumeRole", {"RoleArn": role, "RoleSessionName": "table"})
    group = {"logGroupName": task.log_group}
    for kind in ("DeleteLogGroup", "DescribeLogStreams", "FilterLogEvents"):
        yield Call("logs", kind, group)
    yield Call("logs", "GetLogEvents", group | {"logStreamName": "table"})
    yield Call("sqs", "SendMessageBatch", {"QueueUrl": task.queue, "Entries": []})


def every_operation() -> Iterator[Call]:
    """Yield each operation of each service that the emulator serves, with the smallest input."""
    for service in MODELS:
        for name in _model(service).operation_names:
            yield Call(service, name, _sample(_model(service).operation_model(name)))


def _every_other_operation(allowed: Iterable[Call]) -> Iterator[Call]:
    excluded = {(each.service, each.operation) for each in allowed} | NEVER_DENIED
    yield from (each for each in every_operation() if (each.service, each.operation) not in excluded)


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(MODELS[service])


def _sample(operation: OperationModel) -> Json:
    """Return the smallest input of an operation: the required members alone."""
    shape = operation.input_shape
    return _structure(shape, ()) if isinstance(shape, StructureShape) else {}


def _structure(shape: StructureShape, above: tuple[str, ...]) -> Json:
    return {name: _value(shape.members[name], (*above, shape.name)) for name in shape.required_members}


def _value(shape: Shape, above: tuple[str, ...]) -> Any:  # noqa: ANN401 - any type of the models
    if isinstance(shape, StructureShape):
        return {} if shape.name in above else _structure(shape, above)
    if isinstance(shape, ListShape):
        return [_value(shape.member, above)]
    if isinstance(shape, MapShape):
        return {}
    if isinstance(shape, StringShape):
        return shape.enum[0] if shape.enum else "sample"
    return {"boolean": False, "timestamp": 0, "blob": b"sample"}.get(shape.type_name, 1)


def _text(body: object) -> str:
    return body.decode("latin-1") if isinstance(body, bytes) else str(body or "")
