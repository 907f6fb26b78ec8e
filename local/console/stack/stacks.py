"""The two stacks: their status, outputs and resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from flask_onetrace.contract import Output
from local.console.stack.source import StackSource, readable, timestamp
from operations.traces.deployment import Deployment
from operations.traces.document import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import StackResourceSummaryTypeDef, StackTypeDef

ABSENT: Final = "ValidationError"
"""What DescribeStacks answers for a stack that does not exist ("DescribeStacks", CloudFormation API Reference)."""


def stacks(source: StackSource) -> Json:
    """Return the stacks, the one with the service first."""
    deployment = source.deployment()
    names = deployment.names
    with readable(source, "CloudFormation"):
        return {"stacks": [_stack(deployment, each) for each in (names.service_stack, names.observability_stack)]}


def _stack(deployment: Deployment, name: str) -> Json:
    cloudformation = deployment.aws.cloudformation
    try:
        [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] != ABSENT:
            raise
        return {"name": name, "status": None, "reason": "It is not deployed", "outputs": [], "resources": []}
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [_resource(each) for page in pages for each in page["StackResourceSummaries"]]
    return {
        "name": name,
        "status": stack["StackStatus"],
        "reason": stack.get("StackStatusReason", ""),
        "created": timestamp(stack["CreationTime"]),
        "updated": timestamp(stack.get("LastUpdatedTime")),
        "outputs": _outputs(deployment, stack),
        "resources": sorted(resources, key=lambda each: (each["type"], each["logical_id"])),
    }


def _resource(summary: StackResourceSummaryTypeDef) -> Json:
    return {
        "type": summary["ResourceType"],
        "logical_id": summary["LogicalResourceId"],
        "physical_id": summary.get("PhysicalResourceId", ""),
        "status": summary["ResourceStatus"],
        "reason": summary.get("ResourceStatusReason", ""),
        "updated": timestamp(summary["LastUpdatedTimestamp"]),
    }


def _outputs(deployment: Deployment, stack: StackTypeDef) -> list[Json]:
    """Return the outputs; `url` opens what one names, on this machine where AWS's address leads to AWS."""
    here: dict[str, str] = {
        Output.URL: deployment.url,
        Output.LOAD_BALANCER_DNS_NAME: deployment.url,
        Output.XRAY_CONSOLE: "/traces",
    }
    return [
        {
            "key": each.get("OutputKey", ""),
            "value": each.get("OutputValue", ""),
            "description": each.get("Description", ""),
            "url": here.get(each.get("OutputKey", "")),
        }
        for each in stack.get("Outputs", [])
    ]
