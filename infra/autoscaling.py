"""Scale the number of tasks by CPU and by requests."""

from typing import Final

from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

CPU_PERCENT: Final = 60
REQUESTS_PER_TARGET: Final = 3000
"""Requests per task and minute: 50 a second."""


def add_autoscaling(
    service: ecs.FargateService, *, targets: elbv2.ApplicationTargetGroup, minimum: int, maximum: int
) -> None:
    """Scale between `minimum` and `maximum` tasks, by CPU utilization and by requests per target."""
    scaling = service.auto_scale_task_count(min_capacity=minimum, max_capacity=maximum)
    scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=CPU_PERCENT)
    scaling.scale_on_request_count("Requests", requests_per_target=REQUESTS_PER_TARGET, target_group=targets)
