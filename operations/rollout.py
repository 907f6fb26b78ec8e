"""Replace the running tasks with new ones of the same task definition."""

from __future__ import annotations

import boto3

from flask_onetrace.contract import Output
from infra.names import Names
from operations.deployment import stack_outputs


def roll_out(session: boto3.Session, names: Names) -> str:
    """Force a new deployment of the service and return its name. Raises botocore's `ClientError`."""
    outputs = stack_outputs(session, names)
    service = outputs[Output.SERVICE]
    session.client("ecs").update_service(cluster=outputs[Output.CLUSTER], service=service, forceNewDeployment=True)
    return service
