"""List what `make verify` reads of AWS: the policy of its role, of the deploy roles and of docs/verify.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask_onetrace.contract import SecretName
from infra.names import Names

ANY: Final = "*"
"""Where an action takes no resource ("Actions, resources, and condition keys", Service Authorization Reference)."""
SPANS_LOG_GROUP: Final = "aws/spans"
"""Where Transaction Search keeps spans."""
ARN_SUFFIX: Final = "-??????"
"""Secrets Manager appends a hyphen and six characters to a secret's name ("Secret ARN", its User Guide)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Actions that `make verify` calls, on which `resources`, and what it finds out by them.

    A resource is what follows `arn:<partition>:`, with `{region}` and `{account}`; `clusters` are the clusters to which
    a condition limits an action without a resource.
    """

    actions: tuple[str, ...]
    resources: tuple[str, ...] = (ANY,)
    clusters: str | None = None
    reads: str = ""

    def statement(self, *, partition: str, region: str, account: str) -> dict[str, Any]:
        """Return the statement of a policy document ("IAM JSON policy elements", IAM User Guide)."""
        values = {"region": region, "account": account}
        arn = f"arn:{partition}:"
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": [each if each == ANY else arn + each.format(**values) for each in self.resources],
        }
        if self.clusters is not None:
            statement["Condition"] = {"ArnLike": {"ecs:cluster": arn + self.clusters.format(**values)}}
        return statement


def grants(names: Names) -> Sequence[Grant]:
    """Return what `make verify` reads of an environment: nothing can be changed by it."""
    stack = names.service_stack
    return (
        Grant(
            actions=("cloudformation:DescribeStacks",),
            resources=(f"cloudformation:{{region}}:{{account}}:stack/{stack}/*",),
            reads="the URL and the names of what is deployed",
        ),
        Grant(
            actions=("ecs:DescribeServices",),
            resources=(f"ecs:{{region}}:{{account}}:service/{stack}-*/{stack}-*",),
            reads="the running task definition, deployments and events",
        ),
        Grant(actions=("ecs:DescribeTaskDefinition",), reads="variables, containers, log streams and task role"),
        Grant(
            actions=("ecs:ListTasks",),
            clusters=f"ecs:{{region}}:{{account}}:cluster/{stack}-*",
            reads="the tasks that run or have stopped",
        ),
        Grant(
            actions=("ecs:DescribeTasks",),
            resources=(f"ecs:{{region}}:{{account}}:task/{stack}-*/*",),
            reads="the state and exit code of each container",
        ),
        Grant(actions=("elasticloadbalancing:DescribeTargetHealth",), reads="whether the load balancer has a target"),
        Grant(
            actions=("logs:FilterLogEvents",),
            resources=(
                f"logs:{{region}}:{{account}}:log-group:{names.log_group}:*",
                f"logs:{{region}}:{{account}}:log-group:{SPANS_LOG_GROUP}:*",
            ),
            reads="the requests' log lines, the service's reports of its sinks, and spans under Transaction Search",
        ),
        Grant(
            actions=("logs:GetLogEvents",),
            resources=(f"logs:{{region}}:{{account}}:log-group:{stack}-*:log-stream:*",),
            reads="what the containers printed, the X-Ray daemon's errors among it",
        ),
        Grant(
            actions=("logs:DescribeLogGroups",),
            resources=("logs:{region}:{account}:log-group:*",),
            reads="whether the log group exists",
        ),
        Grant(
            actions=("xray:BatchGetTraces", "xray:GetTraceSummaries"),
            reads="the requests' segments, and whether the group shows them",
        ),
        Grant(actions=("xray:GetSamplingRules",), reads="which rule samples a request"),
        Grant(actions=("xray:GetGroups",), reads="the group's filter expression"),
        Grant(
            actions=("xray:GetTraceSegmentDestination", "xray:GetIndexingRules"),
            reads="whether Transaction Search is on, and what it indexes",
        ),
        Grant(
            actions=("iam:SimulatePrincipalPolicy",),
            resources=(f"iam::{{account}}:role/{stack}-*",),
            reads="which actions of telemetry the task role lacks",
        ),
        Grant(
            actions=("secretsmanager:GetSecretValue",),
            resources=(
                "secretsmanager:{region}:{account}:secret:"
                f"{names.secret(SecretName.HONEYCOMB_CONFIGURATION_KEY)}{ARN_SUFFIX}",
            ),
            reads="the key that reads Honeycomb, unless HONEYCOMB_CONFIGURATION_KEY has it",
        ),
    )


def policy_document(names: Names, *, partition: str, region: str, account: str) -> Mapping[str, Any]:
    """Return the policy as IAM takes it."""
    statements = [each.statement(partition=partition, region=region, account=account) for each in grants(names)]
    return {"Version": "2012-10-17", "Statement": statements}
