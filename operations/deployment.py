"""Look at what is deployed."""

from __future__ import annotations

from dataclasses import dataclass

import boto3

from service.contract import CONTAINER_NAME, Output, Variable, service_stack_name


@dataclass(frozen=True, slots=True)
class Deployed:
    """The service as its task definition has it: its plain variables, by name."""

    variables: dict[str, str]

    @property
    def version(self) -> str:
        """What every span, segment, log line and item says."""
        return self.variables[Variable.SERVICE_VERSION]


def outputs(session: boto3.Session, environment: str) -> dict[str, str]:
    """Return the outputs of the environment's service stack. Raises botocore's `ClientError`."""
    stack = session.client("cloudformation").describe_stacks(StackName=service_stack_name(environment))["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def deployed(session: boto3.Session, environment: str) -> Deployed:
    """Return what the environment's service runs. Raises botocore's `ClientError`."""
    definition = outputs(session, environment)[Output.TASK_DEFINITION]
    task = session.client("ecs").describe_task_definition(taskDefinition=definition)["taskDefinition"]
    [container] = [each for each in task["containerDefinitions"] if each["name"] == CONTAINER_NAME]
    return Deployed({each["name"]: each["value"] for each in container["environment"]})
