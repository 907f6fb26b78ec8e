"""Let the smoke test reach a new process through the load balancer while the old one still gets all other requests.

As a test listener of an Amazon ECS blue/green deployment does: a rule of the listener, with a header as its condition.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

HEADER: Final = "X-Onetrace-Candidate"
GROUP: Final = "onetrace-candidate"


@contextmanager
def candidate_rule(aws: EmulatedAws, outputs: Mapping[str, str], port: int) -> Iterator[dict[str, str]]:
    """Yield the headers of requests that the load balancer sends to `port` of this machine."""
    client, token = aws.elbv2, secrets.token_hex(8)
    _remove_leftovers(client)
    created = client.create_target_group(Name=GROUP, Protocol="HTTP", Port=port, TargetType="ip", VpcId="vpc-1")
    group = created["TargetGroups"][0].get("TargetGroupArn", "")
    rules = []
    try:
        client.register_targets(TargetGroupArn=group, Targets=[{"Id": LOOPBACK, "Port": port}])
        listeners = client.describe_listeners(LoadBalancerArn=outputs[Output.LOAD_BALANCER])["Listeners"]
        for listener in listeners:
            rules += client.create_rule(
                ListenerArn=listener.get("ListenerArn", ""),
                Priority=1,
                Conditions=[
                    {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": HEADER, "Values": [token]}}
                ],
                Actions=[{"Type": "forward", "TargetGroupArn": group}],
            )["Rules"]
        yield {HEADER: token}
    finally:
        for rule in rules:
            client.delete_rule(RuleArn=rule.get("RuleArn", ""))
        client.delete_target_group(TargetGroupArn=group)


def _remove_leftovers(client: ElasticLoadBalancingv2Client) -> None:
    """Remove the rules and the target group of a run that was killed."""
    groups = [each for each in client.describe_target_groups()["TargetGroups"] if each.get("TargetGroupName") == GROUP]
    for group in groups:
        arn = group.get("TargetGroupArn", "")
        for listener in client.describe_listeners()["Listeners"]:
            for rule in client.describe_rules(ListenerArn=listener.get("ListenerArn", ""))["Rules"]:
                if any(action.get("TargetGroupArn") == arn for action in rule.get("Actions", ())):
                    client.delete_rule(RuleArn=rule.get("RuleArn", ""))
        client.delete_target_group(TargetGroupArn=arn)
