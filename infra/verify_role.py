"""Create the role that verifies an environment from GitHub Actions: it reads, and changes nothing."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.findings import acknowledge
from infra.names import Names
from infra.task_role import wildcard_findings
from infra.verify_policy import grants

SESSION: Final = Duration.hours(1)
"""IAM's minimum for the maximum, and what a chained role is limited to anyway ("Role chaining", IAM User Guide)."""
WHY: Final = (
    "CloudFormation and ECS end the names of what they create at random: each pattern is of one environment. The others"
    " are of actions that take no resource, and read."
)


class VerifyRole(iam.Role):
    """Allow what `make verify` calls of one environment."""

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, trusted: iam.IPrincipal) -> None:
        statements = verify_statements(scope, names)
        super().__init__(
            scope,
            construct_id,
            description=f"Verifies {names.environment} from GitHub Actions",
            assumed_by=trusted,
            max_session_duration=SESSION,
            inline_policies={"Verify": iam.PolicyDocument(statements=statements)},
        )
        resources = [resource for statement in statements for resource in statement.resources]
        acknowledge(self, *wildcard_findings(scope, resources), because=WHY)


def verify_statements(scope: Construct, names: Names) -> Sequence[iam.PolicyStatement]:
    """Return the statements of `infra/verify_policy.py`."""
    stack = Stack.of(scope)
    where = {"partition": stack.partition, "region": stack.region, "account": stack.account}
    return [iam.PolicyStatement.from_json(each.statement(**where)) for each in grants(names)]
