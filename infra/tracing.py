"""Tell X-Ray which traces to keep and how to group them."""

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from infra.aws_json import load
from infra.environments import Sampling
from infra.sampling import sampling_rule
from service.contract import CONFIGURED_NAME_ANNOTATION, SERVICE_NAME


class Tracing(Construct):
    """Create the X-Ray group and the sampling rule from the files that the AWS CLI takes too.

    The files have CloudFormation's own property names, so they pass as they are: the typed L1
    classes would need each name spelled a second time.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sampling: Sampling | None, dynamic_naming: bool) -> None:
        super().__init__(scope, construct_id)

        CfnResource(self, "Group", type="AWS::XRay::Group", properties=_group(dynamic_naming=dynamic_naming))
        CfnResource(
            self, "SamplingRule", type="AWS::XRay::SamplingRule", properties={"SamplingRule": sampling_rule(sampling)}
        )


def _group(*, dynamic_naming: bool) -> dict[str, Any]:
    """Return the group of `aws/json/xray-group.json`; with dynamic naming it finds renamed segments as well."""
    group = load("xray-group")
    if not dynamic_naming:
        return group
    renamed = f'annotation.{CONFIGURED_NAME_ANNOTATION} = "{SERVICE_NAME}"'
    return group | {"FilterExpression": f"{group['FilterExpression']} OR {renamed}"}
