"""Tell X-Ray which traces to keep and how to group them."""

from aws_cdk import CfnResource
from constructs import Construct

from infra.aws_json import load
from infra.environments import Sampling
from infra.sampling import sampling_rule


class Tracing(Construct):
    """Create the X-Ray group and the sampling rule from the files that the AWS CLI takes too.

    The files have CloudFormation's own property names, so they pass as they are: the typed L1
    classes would need each name spelled a second time.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sampling: Sampling | None) -> None:
        super().__init__(scope, construct_id)

        CfnResource(self, "Group", type="AWS::XRay::Group", properties=load("xray-group"))
        CfnResource(
            self, "SamplingRule", type="AWS::XRay::SamplingRule", properties={"SamplingRule": sampling_rule(sampling)}
        )
