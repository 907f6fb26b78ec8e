"""With IAM enforced, the roles of the deployed task may make the calls of the table, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from flask_onetrace.contract import Output
from tests.infra.assembly import Assembly, synthesize
from tests.local.emulator.conftest import CHECKOUT, DEFAULT_ACCOUNT
from tests.local.emulator.enforcing import Credentials, Enforcing, enforcing_emulator
from tests.permissions.deployed import deployed_task
from tests.permissions.table import (
    Call,
    DeployedStacks,
    DeployedTask,
    deploy_role_may,
    deploy_role_may_not,
    execution_role_may,
    execution_role_may_not,
    is_denied,
    read_anywhere,
    task_role_may,
    task_role_may_not,
    verify_role_may,
    verify_role_may_not,
)
from tests.sample import names_of

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Enforcing]:
    with enforcing_emulator() as emulator:
        yield emulator


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """The stacks with the image as an asset, so that the execution role may pull it."""
    return synthesize(tmp_path_factory.mktemp("cdk"), "dev")


@pytest.fixture(scope="module")
def deployed(enforcing: Enforcing, assembly: Assembly) -> Json:
    """Deploy the stacks as the administrator; return the task definition."""
    enforcing.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version", Value="33", Type="String")
    cloudformation = enforcing.client("cloudformation")
    for stack in assembly.stacks:
        name = stack.path.name.removesuffix(".template.json")
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(stack.content), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        cloudformation.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )
    [description] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in description["Outputs"]}
    ecs = enforcing.client("ecs")
    definition: Json = ecs.describe_task_definition(taskDefinition=outputs[Output.TASK_DEFINITION])["taskDefinition"]
    return definition


@pytest.fixture(scope="module")
def task(enforcing: Enforcing, deployed: Json) -> DeployedTask:
    task = deployed_task(deployed, enforcing.client)
    for name in (task.repository, f"{task.repository}-2"):
        enforcing.client("ecr").create_repository(repositoryName=name)
    return task


def session_of(enforcing: Enforcing, role: str) -> Credentials:
    """Return credentials of a role. Its trust policy may name Amazon ECS alone; the administrator adds the account."""
    iam = enforcing.client("iam")
    name = role.rpartition("/")[2]
    trusted = {"AWS": DEFAULT_ACCOUNT, "Service": "ecs-tasks.amazonaws.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Statement": [statement]}))
    credentials = enforcing.client("sts").assume_role(RoleArn=role, RoleSessionName="table")["Credentials"]
    return {
        "AccessKeyId": credentials["AccessKeyId"],
        "SecretAccessKey": credentials["SecretAccessKey"],
        "Token": credentials["SessionToken"],
    }


def check(enforcing: Enforcing, role: str, may: Iterable[Call], may_not: Iterable[Call]) -> None:
    credentials = session_of(enforcing, role)
    refused = [str(call) for call, status, body in enforcing.answers(credentials, may) if is_denied(call, status, body)]
    assert refused == []
    answers = list(enforcing.answers(credentials, may_not))
    allowed = [f"{call}: {status} {body[:200]}" for call, status, body in answers if not is_denied(call, status, body)]
    assert allowed == []
    assert len(answers) > 1500


def test_the_task_role_may_do_what_the_table_allows_and_nothing_else(
    enforcing: Enforcing, deployed: Json, task: DeployedTask
) -> None:
    check(enforcing, deployed["taskRoleArn"], task_role_may(task), task_role_may_not(task))


def test_the_execution_role_may_do_what_the_table_allows_and_nothing_else(
    enforcing: Enforcing, deployed: Json, task: DeployedTask
) -> None:
    check(enforcing, deployed["executionRoleArn"], execution_role_may(task), execution_role_may_not(task))


def environment_of(task: DeployedTask, name: str) -> DeployedStacks:
    """Return what the deployed environment would have if its name were another."""

    def named(text: str) -> str:
        return text.replace("-dev-", f"-{name}-").replace("dev/", f"{name}/")

    names = names_of(name)
    return DeployedStacks(
        stacks=(names.observability_stack, names.service_stack),
        log_group=names.log_group,
        role=f"arn:aws:iam::{DEFAULT_ACCOUNT}:role/{names.service_stack}-BackendTaskRole",
        cluster=f"{names.service_stack}-BackendCluster",
        service=f"{names.service_stack}-BackendService",
        output_group=named(task.output_group),
        alarm=names.resource("Alarm"),
        secret=named(task.other_secret),
    )


def deployed_role(enforcing: Enforcing, logical_id: str) -> str:
    """Create a role of the deploy roles' template, and return its ARN."""
    template = json.loads((CHECKOUT / "tests/infra/snapshots/deploy_roles.json").read_text(encoding="utf-8"))
    [(name, role)] = [each for each in template["Resources"].items() if each[0].startswith(logical_id)]
    # The identity provider of GitHub is not emulated.
    account = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": DEFAULT_ACCOUNT}}
    role["Properties"]["AssumeRolePolicyDocument"] = {"Statement": [account]}
    cloudformation = enforcing.client("cloudformation")
    body = json.dumps({"Resources": {name: role}})
    cloudformation.create_stack(StackName=logical_id, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=logical_id, WaiterConfig={"Delay": 1})
    [resource] = cloudformation.describe_stack_resources(StackName=logical_id)["StackResources"]
    return str(enforcing.client("iam").get_role(RoleName=resource["PhysicalResourceId"])["Role"]["Arn"])


def test_the_deploy_role_may_do_what_operations_call_in_its_own_environment_and_nothing_else(
    enforcing: Enforcing, task: DeployedTask
) -> None:
    own, other = (environment_of(task, each) for each in ("dev", "prod"))

    may = [*deploy_role_may(own), *read_anywhere()]
    check(enforcing, deployed_role(enforcing, "DevDeploy"), may, deploy_role_may_not(own, other))


def test_the_role_that_verifies_may_read_its_own_environment_and_nothing_else(
    enforcing: Enforcing, task: DeployedTask
) -> None:
    own, other = (environment_of(task, each) for each in ("dev", "prod"))

    may = [*verify_role_may(own), *read_anywhere()]
    check(enforcing, deployed_role(enforcing, "DevVerify"), may, verify_role_may_not(own, other))
