"""Replace the running tasks with new ones of the same task definition."""

from __future__ import annotations

import boto3

from flask_onetrace.contract import Output
from operations.deployment import stack_outputs


def roll_out(session: boto3.Session, environment: str) -> str:
    """Force a new deployment of the environment's service and return its name. Raises botocore's `ClientError`."""
    outputs = stack_outputs(session, environment)
    service = outputs[Output.SERVICE]
    session.client("ecs").update_service(cluster=outputs[Output.CLUSTER], service=service, forceNewDeployment=True)
    return service
