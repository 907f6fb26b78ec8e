"""Tell X-Ray which traces to keep and how to group them."""

from typing import Any, Final

from aws_cdk import CfnResource
from constructs import Construct

from infra.aws_json import load
from infra.environments import Sampling
from infra.sampling import sampling_rule
from service.contract import CONFIGURED_NAME_ANNOTATION, SERVICE_NAME, XRAY_GROUP_FILTER

GROUPS: Final = {"Group": "xray-group", "FaultsGroup": "xray-group-faults", "SlowGroup": "xray-group-slow"}
"""The file of each group in `aws/json`, by its logical id: all traces of the service, those with a fault, the slow."""


class Tracing(Construct):
    """Create the X-Ray groups and the sampling rules from the files that the AWS CLI takes too.

    The files have CloudFormation's own property names, so they pass as they are: the typed L1
    classes would need each name spelled a second time.
    """

    def __init__(self, scope: Construct, construct_id: str, *, sampling: Sampling | None, dynamic_naming: bool) -> None:
        super().__init__(scope, construct_id)

        for logical_id, file in GROUPS.items():
            properties = _group(file, dynamic_naming=dynamic_naming)
            CfnResource(self, logical_id, type="AWS::XRay::Group", properties=properties)
        self._rule("SamplingRule", sampling_rule(sampling))
        # Health checks come by the clock, day and night. Each kept would be a trace paid for, and the reservoir's.
        self._rule("HealthCheckRule", load("xray-health-checks")["SamplingRule"])

    def _rule(self, logical_id: str, rule: dict[str, Any]) -> None:
        CfnResource(self, logical_id, type="AWS::XRay::SamplingRule", properties={"SamplingRule": rule})


def _group(file: str, *, dynamic_naming: bool) -> dict[str, Any]:
    """Return the group of `file`; with dynamic naming it finds renamed segments as well."""
    group = load(file)
    if not dynamic_naming:
        return group
    either = f'({XRAY_GROUP_FILTER} OR annotation.{CONFIGURED_NAME_ANNOTATION} = "{SERVICE_NAME}")'
    return group | {"FilterExpression": group["FilterExpression"].replace(XRAY_GROUP_FILTER, either)}
