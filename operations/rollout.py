"""Replace the running tasks by new ones of the same definition."""

from __future__ import annotations

import boto3

from service.contract import Output, service_stack_name


def roll_out(session: boto3.Session, environment: str) -> str:
    """Start a new deployment of the environment's service and return its name. Raises botocore's `ClientError`."""
    stack = session.client("cloudformation").describe_stacks(StackName=service_stack_name(environment))["Stacks"][0]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    service = outputs[Output.SERVICE]
    session.client("ecs").update_service(cluster=outputs[Output.CLUSTER], service=service, forceNewDeployment=True)
    return service
