"""Read the deployed service's stack outputs and task definition."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import boto3

from flask_onetrace.contract import Output, Variable
from infra.names import Names

NO_SUCH_STACK: Final = "ValidationError"
"""The error code of DescribeStacks for a stack that does not exist."""


@dataclass(frozen=True, slots=True)
class DeployedService:
    """The service's container as its task definition has it: the plain environment variables, by name."""

    variables: dict[str, str]

    @property
    def version(self) -> str:
        """The version on every span, segment, log line and Rollbar item."""
        return self.variables[Variable.SERVICE_VERSION]


def aws_session() -> boto3.Session:
    """Return a session in the region of `AWS_REGION`, which the CDK and the AWS CLI read and boto3 does not."""
    return boto3.Session(region_name=os.environ.get("AWS_REGION"))


def stack_outputs(session: boto3.Session, names: Names) -> dict[str, str]:
    """Return the outputs of the service stack. Raises botocore's `ClientError`."""
    stack = session.client("cloudformation").describe_stacks(StackName=names.service_stack)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def deployed_service(session: boto3.Session, names: Names) -> DeployedService:
    """Return the service that the environment runs. Raises botocore's `ClientError`.

    ECS says what that is: after a rollback of its own, the stack names a task definition that does not run.
    """
    outputs = stack_outputs(session, names)
    definition = outputs[Output.TASK_DEFINITION]
    client = session.client("ecs")
    serving, cluster, service = definition, outputs.get(Output.CLUSTER), outputs.get(Output.SERVICE)
    if cluster is not None and service is not None:
        for each in client.describe_services(cluster=cluster, services=[service])["services"]:
            serving = each["taskDefinition"]
    task = client.describe_task_definition(taskDefinition=serving)["taskDefinition"]
    [container] = [each for each in task["containerDefinitions"] if each["name"] == names.application.container_name]
    return DeployedService({each["name"]: each["value"] for each in container["environment"]})
