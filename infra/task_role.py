"""Allow the application what its description asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.application import Statement
from infra.findings import NAG, acknowledge

_PLACEHOLDER: Final = re.compile(r"(?<!\$)\{(\w+)\}")
_DEFAULT_PARTITION: Final = re.compile(r"^arn:aws:")
_WILDCARD: Final = re.compile(r"[*?]")


class ApplicationPermissions(Construct):
    """Attach one policy per statement to the task role.

    They are policies of their own, so that what is acknowledged for the runtime covers none of them: a wildcard in one
    is a finding of `make lint-infra`, unless its `reason` says why it is needed.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        statements: Sequence[Statement],
        role: iam.IRole,
        environment_name: str,
    ) -> None:
        super().__init__(scope, construct_id)
        for number, statement in enumerate(statements, start=1):
            resources = [_resolve_placeholders(each, Stack.of(self), environment_name) for each in statement.resources]
            allowed = iam.PolicyStatement(actions=list(statement.actions), resources=resources)
            policy = iam.Policy(self, f"Statement{number}", statements=[allowed], roles=[role])
            if statement.reason is not None:
                _acknowledge(policy, statement, resources)


def wildcard_findings(scope: Construct, resources: Sequence[str]) -> list[str]:
    """Return cdk-nag's findings of the resources with a wildcard."""
    stack = Stack.of(scope)
    written = {stack.partition: "Partition", stack.region: "Region", stack.account: "AccountId"}
    patterns = dict.fromkeys(each for each in resources if _WILDCARD.search(each))
    for token, name in written.items():
        patterns = {pattern.replace(token, f"<AWS::{name}>"): None for pattern in patterns}
    return [f"{NAG}IAM5[Resource::{each}]" for each in patterns]


def _resolve_placeholders(resource: str, stack: Stack, environment_name: str) -> str:
    """Return the resource with the values of its placeholders; `arn:aws:` is of the partition that is deployed to."""
    values = {
        "partition": stack.partition,
        "region": stack.region,
        "account": stack.account,
        "environment": environment_name,
    }
    general = _DEFAULT_PARTITION.sub("arn:{partition}:", resource)
    return _PLACEHOLDER.sub(lambda match: values[match[1]], general)


def _acknowledge(policy: iam.Policy, statement: Statement, resources: Sequence[str]) -> None:
    findings = wildcard_findings(policy, resources)
    findings += [f"{NAG}IAM5[Action::{each}]" for each in statement.actions if "*" in each]
    if findings:
        acknowledge(policy, *findings, because=statement.reason or "")
