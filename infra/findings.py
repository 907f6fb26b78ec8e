"""Acknowledge what a security check finds and what is meant to be so, beside the construct, with the reason."""

from typing import Final

from aws_cdk import Acknowledgment, CfnResource, Validations
from constructs import IConstruct

NAG: Final = "AwsSolutions::AwsSolutions-"
"""A rule of cdk-nag's pack AwsSolutions."""
GUARD: Final = "cdk-validator-cfnguard::"
"""A rule of AWS Control Tower's proactive controls, for cfn-guard."""
CHECKOV: Final = "checkov::"
"""A check of checkov ("Suppressing and skipping policies", its documentation)."""


def acknowledge(construct: IConstruct, *rules: str, because: str) -> None:
    """Let `make lint-infra` accept what `rules` find at `construct`, a resource or what stands for one."""
    resource = construct if CfnResource.is_cfn_resource(construct) else construct.node.default_child
    if not isinstance(resource, CfnResource):
        raise TypeError(f"{construct.node.path} is no resource: acknowledge at the resource itself")
    checked = [rule.removeprefix(CHECKOV) for rule in rules if rule.startswith(CHECKOV)]
    if checked:
        known = (resource.get_metadata("checkov") or {"skip": []})["skip"]
        skip = [*known, *({"id": check, "comment": because} for check in checked)]
        resource.add_metadata("checkov", {"skip": skip})
    others = [Acknowledgment(id=rule, reason=because) for rule in rules if not rule.startswith(CHECKOV)]
    if others:
        Validations.of(resource).acknowledge(*others)
