"""The load balancer, its target group and the health of the targets."""

from __future__ import annotations

from flask_onetrace.contract import Output
from local.console.stack.source import StackSource, output, readable
from operations.traces.document import Json


def load_balancer(source: StackSource) -> Json:
    """Return the load balancer, its address on this machine, its health check and the health of each target."""
    deployment = source.deployment()
    elbv2, group_arn = deployment.aws.elbv2, output(deployment, Output.TARGET_GROUP)
    balancer_arn = output(deployment, Output.LOAD_BALANCER)
    with readable(source, "Elastic Load Balancing"):
        [balancer] = elbv2.describe_load_balancers(LoadBalancerArns=[balancer_arn])["LoadBalancers"]
        [group] = elbv2.describe_target_groups(TargetGroupArns=[group_arn])["TargetGroups"]
        health = elbv2.describe_target_health(TargetGroupArn=group_arn)["TargetHealthDescriptions"]
    return {
        "name": balancer.get("LoadBalancerName", ""),
        "state": balancer.get("State", {}).get("Code", ""),
        "scheme": balancer.get("Scheme", ""),
        "dns_name": balancer.get("DNSName", ""),
        "url": deployment.url,
        "health_check": {
            "path": group.get("HealthCheckPath", ""),
            "matcher": group.get("Matcher", {}).get("HttpCode", ""),
            "interval": group.get("HealthCheckIntervalSeconds"),
            "timeout": group.get("HealthCheckTimeoutSeconds"),
            "healthy_after": group.get("HealthyThresholdCount"),
            "unhealthy_after": group.get("UnhealthyThresholdCount"),
            "is_repeated": source.session().state.engine is not None,
        },
        "targets": [
            {
                "id": each.get("Target", {}).get("Id", ""),
                "port": each.get("Target", {}).get("Port"),
                "state": each.get("TargetHealth", {}).get("State", ""),
                "reason": each.get("TargetHealth", {}).get("Reason", ""),
                "description": each.get("TargetHealth", {}).get("Description", ""),
            }
            for each in health
        ],
    }
