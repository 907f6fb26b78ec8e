"""The ARNs of the resources that a request names.

Source: Service Authorization Reference, "Resource types" of each service; where it leaves the ARN open, AWS's messages
of denied requests. ministack's own extraction is used where it agrees with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ministack.core import iam_actions
from ministack.services import iam

from local.emulator.iam.requests import ApiRequest

ANY: Final = "*"
"""The resource of an action without one, and of a request that no rule knows: a policy that names ARNs refuses it."""

_TAG_OPERATIONS: Final = frozenset({"TagResource", "UntagResource", "ListTagsForResource"})
_LISTING: Final = ("Describe", "Get", "List", "Search")

_ECS: Final = {
    "CreateService": ("service", "serviceName"),
    "DeleteCluster": ("cluster", "cluster"),
    "DeleteService": ("service", "service"),
    "DescribeClusters": ("cluster", "clusters"),
    "DescribeServices": ("service", "services"),
    "DescribeTasks": ("task", "tasks"),
    "ExecuteCommand": ("task", "task"),
    "RunTask": ("task-definition", "taskDefinition"),
    "StartTask": ("task-definition", "taskDefinition"),
    "StopTask": ("task", "task"),
    "UpdateCluster": ("cluster", "cluster"),
    "UpdateService": ("service", "service"),
}
"""The type of the resource and the parameter that names it; other operations have none, but may have `ecs:cluster`."""
_IN_CLUSTER: Final = frozenset({"service", "task"})


def resources(request: ApiRequest) -> list[str]:
    """Return the ARNs, `ANY` if there are none."""
    rule = _RULES.get(request.service)
    return (rule(request) if rule else []) or [ANY]


def cluster(request: ApiRequest) -> str:
    """Return the cluster of a request to Amazon ECS."""
    return _arn(request, "ecs", f"cluster/{next(iter(request.values('cluster')), 'default')}", "cluster/")


def log_group(request: ApiRequest) -> str:
    """Return the first log group of a request to CloudWatch Logs, without a stream."""
    streams = _log_streams(request)
    return streams[0].partition(":log-stream:")[0] if streams else ANY


def by_ministack(request: ApiRequest) -> list[str]:
    """Return the resource that ministack finds; it reads the parameters of a form from the query."""
    form = {name: [each] for name, each in request.parameters.items() if isinstance(each, str)}
    arn: str = iam_actions.extract_resource_arn(
        request.service,
        request.method,
        request.path,
        request.headers,
        request.body,
        {**request.query, **form},
        request.region,
        request.account,
    )
    return [arn]


def _arn(request: ApiRequest, service: str, resource: str, prefix: str = "") -> str:
    """Return the ARN of `resource`, whose name after `prefix` may be an ARN itself."""
    name = resource.removeprefix(prefix)
    return name if name.startswith("arn:") else f"arn:aws:{service}:{request.region}:{request.account}:{resource}"


def _cloudformation(request: ApiRequest) -> list[str]:
    change_sets = [each for each in request.values("ChangeSetName") if each.startswith("arn:")]
    return by_ministack(request) if request.values("StackName") else change_sets


def _cloudwatch(request: ApiRequest) -> list[str]:
    alarms = request.values("AlarmName", "AlarmNames")
    if request.operation == "DescribeAlarms" and not alarms:
        alarms = [f"{each}*" for each in request.values("AlarmNamePrefix")] or [ANY]
    dashboards = request.values("DashboardName", "DashboardNames")
    return [
        *(_arn(request, "cloudwatch", f"alarm:{each}") for each in alarms),
        *(f"arn:aws:cloudwatch::{request.account}:dashboard/{each}" for each in dashboards),
        *request.values("ResourceARN"),
    ]


def _dynamodb(request: ApiRequest) -> list[str]:
    arns: list[str] = iam_actions.dynamodb_resource_arns(request.body, request.region, request.account)
    return arns + request.values("ResourceArn", "TableArn", "BackupArn", "ExportArn", "ImportArn")


def _ecr(request: ApiRequest) -> list[str]:
    if request.operation in _TAG_OPERATIONS:
        return request.values("resourceArn")
    names = request.values("repositoryName", "repositoryNames")
    if request.operation == "DescribeRepositories":
        names = names or [ANY]
    return [_arn(request, "ecr", f"repository/{each}") for each in names]


def _ecs(request: ApiRequest) -> list[str]:
    if request.operation in _TAG_OPERATIONS:
        return request.values("resourceArn")
    kind, parameter = _ECS.get(request.operation, ("", ""))
    prefix = f"{kind}/{cluster(request).rpartition('/')[2]}/" if kind in _IN_CLUSTER else f"{kind}/"
    return [_arn(request, "ecs", prefix + each, prefix) for each in request.values(parameter)]


def _iam(request: ApiRequest) -> list[str]:
    """Return the ARN with the path, which the name alone does not tell."""
    if simulated := request.values("PolicySourceArn"):
        return simulated
    roles = (iam._roles.get(name) for name in request.values("RoleName"))
    return [role["Arn"] for role in roles if role is not None] or by_ministack(request)


def _log_streams(request: ApiRequest) -> list[str]:
    """Return log streams, also for operations on a group: AWS authorizes those on the stream without a name."""
    if request.operation in _TAG_OPERATIONS:
        return request.values("resourceArn")
    groups = request.values("logGroupName", "logGroupNames", "logGroupIdentifier", "logGroupIdentifiers")
    if request.operation in {"DescribeLogGroups", "ListLogGroups"}:
        groups = [""]
    stream = next(iter(request.values("logStreamName")), "")
    arns = (_arn(request, "logs", f"log-group:{each}", "log-group:") for each in groups)
    return [f"{each.removesuffix(':*')}:log-stream:{stream}" for each in arns]


def _not_listing(request: ApiRequest) -> list[str]:
    """Return no resource for an operation that lists, whatever it is filtered by."""
    return [] if request.operation.startswith(_LISTING) else by_ministack(request)


def _secretsmanager(request: ApiRequest) -> list[str]:
    return [] if request.operation in {"BatchGetSecretValue", "ListSecrets"} else by_ministack(request)


def _sqs(request: ApiRequest) -> list[str]:
    """Return the queue of the parameters and the one of the path: ministack's SQS reads both."""
    queue = request.path.strip("/").rpartition("/")[2]
    by_path = [_arn(request, "sqs", queue)] if queue and request.values("QueueUrl") else []
    return by_ministack(request) + by_path


def _ssm(request: ApiRequest) -> list[str]:
    names = request.values("Name", "Names", "Path")
    return [_arn(request, "ssm", f"parameter/{each.lstrip('/')}") for each in names] or by_ministack(request)


_RULES: Final[dict[str, Callable[[ApiRequest], list[str]]]] = {
    "cloudformation": _cloudformation,
    "dynamodb": _dynamodb,
    "ec2": _not_listing,
    "ecr": _ecr,
    "ecs": _ecs,
    "elasticloadbalancing": _not_listing,
    "iam": _iam,
    "logs": _log_streams,
    "monitoring": _cloudwatch,
    "s3": by_ministack,
    "secretsmanager": _secretsmanager,
    "sqs": _sqs,
    "ssm": _ssm,
    "sts": by_ministack,
}
"""The rule of each service. Without one: Application Auto Scaling, and X-Ray, whose groups and rules do have ARNs."""
