"""Replace the running tasks by new ones of the same definition."""

from __future__ import annotations

import boto3

from operations.deployment import outputs
from service.contract import Output


def roll_out(session: boto3.Session, environment: str) -> str:
    """Start a new deployment of the environment's service and return its name. Raises botocore's `ClientError`."""
    found = outputs(session, environment)
    service = found[Output.SERVICE]
    session.client("ecs").update_service(cluster=found[Output.CLUSTER], service=service, forceNewDeployment=True)
    return service
