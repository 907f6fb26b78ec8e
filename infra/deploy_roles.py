"""Create the roles that the workflows of .github assume: one per environment to deploy, one to compare."""

from collections.abc import Sequence
from typing import Final

from aws_cdk import ArnFormat, DefaultStackSynthesizer, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from flask_onetrace.contract import SecretName
from infra.environments import Environment
from infra.findings import acknowledge
from infra.names import Names
from infra.task_role import wildcard_findings
from infra.verify_policy import ARN_SUFFIX
from infra.verify_role import SESSION, WHY, verify_statements

DEPLOYMENT: Final = ("deploy", "file-publishing", "image-publishing", "lookup")
COMPARISON: Final = ("lookup",)
"""Roles of the CDK's bootstrap stack ("Bootstrapping", AWS CDK Developer Guide): the CDK's command line assumes them,
and calls AWS by no other."""


class DeployRole(iam.Role):
    """Allow what `make deploy`, `make verify` and `make roll-back` do to one environment."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        names: Names,
        trusted: iam.IPrincipal,
    ) -> None:
        statements = [_assume_bootstrap_roles(scope, DEPLOYMENT, [environment]), *_own_calls(scope, environment, names)]
        reading = verify_statements(scope, names)
        super().__init__(
            scope,
            construct_id,
            description=f"Deploys {environment.name} from GitHub Actions",
            assumed_by=trusted,
            max_session_duration=SESSION,
            inline_policies={
                "Deploy": iam.PolicyDocument(statements=statements),
                "Verify": iam.PolicyDocument(statements=reading),
            },
        )
        resources = [each for statement in (*statements, *reading) for each in statement.resources]
        acknowledge(self, *wildcard_findings(scope, resources), because=WHY)


class DiffRole(iam.Role):
    """Allow `cdk diff` by the lookup role, which reads; for the pull requests of the repository's own branches."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environments: Sequence[Environment],
        trusted: iam.IPrincipal,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            description="Compares pull requests with what is deployed, from GitHub Actions",
            assumed_by=trusted,
            max_session_duration=SESSION,
            inline_policies={
                "Diff": iam.PolicyDocument(statements=[_assume_bootstrap_roles(scope, COMPARISON, environments)]),
            },
        )


def _assume_bootstrap_roles(
    scope: Construct, kinds: Sequence[str], environments: Sequence[Environment]
) -> iam.PolicyStatement:
    stack = Stack.of(scope)
    default = DefaultStackSynthesizer.DEFAULT_QUALIFIER
    qualifiers = dict.fromkeys(each.account.bootstrap_qualifier or default for each in environments)
    names = [f"cdk-{each}-{kind}-role-{stack.account}-{stack.region}" for each in qualifiers for kind in kinds]
    return iam.PolicyStatement(
        actions=["sts:AssumeRole"],
        resources=[stack.format_arn(service="iam", region="", resource="role", resource_name=name) for name in names],
    )


def _own_calls(scope: Construct, environment: Environment, names: Names) -> Sequence[iam.PolicyStatement]:
    """Return the calls of `operations`, which the CDK's roles do not make.

    DescribeTaskDefinition has no resource to limit it to, and the lists have their cluster as a condition ("Actions
    defined by Amazon Elastic Container Service", Service Authorization Reference). The names of the cluster, of the
    service and of the containers' log group begin with the stack's.
    """
    service_stack = names.service_stack
    stacks = [names.observability_stack, service_stack]
    stack_arns = [_arn(scope, "cloudformation", "stack", f"{each}/*") for each in stacks]
    secrets = [
        _arn(scope, "secretsmanager", "secret", names.secret(key) + ARN_SUFFIX, ":")
        for key in (SecretName.HONEYCOMB_CONFIGURATION_KEY, SecretName.ROLLBAR_ACCESS_TOKEN)
    ]
    allowed: Sequence[tuple[str, Sequence[str]]] = [
        ("cloudformation:DescribeStacks", stack_arns),
        ("cloudformation:DescribeStackEvents", stack_arns),
        ("cloudformation:ListStackResources", stack_arns),
        ("ecs:DescribeServices", [_arn(scope, "ecs", "service", f"{service_stack}-*/{service_stack}-*")]),
        ("ecs:DescribeTaskDefinition", ["*"]),
        ("ecs:DescribeTasks", [_arn(scope, "ecs", "task", f"{service_stack}-*/*")]),
        ("logs:GetLogEvents", [_arn(scope, "logs", "log-group", f"{service_stack}-*:log-stream:*", ":")]),
        ("cloudwatch:DescribeAlarms", [_arn(scope, "cloudwatch", "alarm", names.resource("*"), ":")]),
        ("secretsmanager:GetSecretValue", secrets),
    ]
    if own_secrets := [
        _arn(scope, "secretsmanager", "secret", name + ARN_SUFFIX, ":") for name in names.own_secrets.values()
    ]:
        allowed = [*allowed, ("secretsmanager:DescribeSecret", own_secrets)]
    statements = [iam.PolicyStatement(actions=[action], resources=resources) for action, resources in allowed]
    clusters = {"ArnLike": {"ecs:cluster": _arn(scope, "ecs", "cluster", f"{service_stack}-*")}}
    lists = iam.PolicyStatement(actions=["ecs:ListServices", "ecs:ListTasks"], resources=["*"], conditions=clusters)
    return [*statements, lists, *([_decrypt(scope, secrets)] if environment.customer_key else [])]


def _decrypt(scope: Construct, secrets: Sequence[str]) -> iam.PolicyStatement:
    """Return the use of the key that encrypts the secrets, for these and by Secrets Manager only.

    It is another stack's, so that no statement here can name it ("Secret encryption and decryption in AWS Secrets
    Manager", its User Guide, has the encryption context).
    """
    return iam.PolicyStatement(
        actions=["kms:Decrypt"],
        resources=[_arn(scope, "kms", "key", "*")],
        conditions={
            "StringEquals": {"kms:ViaService": f"secretsmanager.{Stack.of(scope).region}.amazonaws.com"},
            "StringLike": {"kms:EncryptionContext:SecretARN": secrets},
        },
    )


def _arn(scope: Construct, service: str, resource: str, name: str, separator: str = "/") -> str:
    style = ArnFormat.COLON_RESOURCE_NAME if separator == ":" else ArnFormat.SLASH_RESOURCE_NAME
    return Stack.of(scope).format_arn(service=service, resource=resource, resource_name=name, arn_format=style)
