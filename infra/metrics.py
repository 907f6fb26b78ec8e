"""Name the metrics that say how the service does: AWS's own, which are free, and those that come from log lines.

A custom metric costs $0.30 a month, prorated by the hours that see it ("Amazon CloudWatch pricing"). The sampled share
is one, by a metric filter, which itself is free. What was dropped, by the embedded metric format, is one for each sink
that drops, and one in all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.aws_logs import FilterPattern, ILogGroup, MetricFilter
from constructs import Construct

from service.contract import (
    ACCESS_LOGGER,
    DROPPED_METRIC,
    HEALTH_CHECK_PATH,
    LOGGER_FIELD,
    METRICS_NAMESPACE,
    PATH_FIELD,
    SAMPLED_FIELD,
    SAMPLED_METRIC,
    SINK_DIMENSION,
)

PERIOD: Final = Duration.minutes(1)

FEWEST_FAILURES: Final = 3
"""Failing requests in a minute before their share counts: in an idle minute one of them would be all there is."""
FEWEST_REQUESTS: Final = 20
"""Requests in a minute before their p99 counts: of fewer, it is the slowest one, whatever made that slow."""


def measure_sampled_share(scope: Construct, construct_id: str, *, log_group: ILogGroup) -> None:
    """Make a metric of the access lines' `sampled`, 0 or 1: its average is the share that the sampling rule kept.

    Health checks come by the clock, of the load balancer and of the container: they would be most of an idle service's.
    """
    MetricFilter(
        scope,
        construct_id,
        log_group=log_group,
        filter_pattern=FilterPattern.all(
            FilterPattern.string_value(f"$.{LOGGER_FIELD}", "=", ACCESS_LOGGER),
            FilterPattern.string_value(f"$.{PATH_FIELD}", "!=", HEALTH_CHECK_PATH),
        ),
        metric_namespace=METRICS_NAMESPACE,
        metric_name=SAMPLED_METRIC,
        metric_value=f"$.{SAMPLED_FIELD}",
    )


def sampled_share() -> cloudwatch.IMetric:
    """Return the percentage of requests, health checks aside, that the sampling rule kept."""
    share = cloudwatch.Metric(
        namespace=METRICS_NAMESPACE, metric_name=SAMPLED_METRIC, statistic=cloudwatch.Stats.AVERAGE, period=PERIOD
    )
    return cloudwatch.MathExpression(
        expression="100 * share", using_metrics={"share": share}, label="sampled, %", period=PERIOD
    )


def dropped() -> cloudwatch.Metric:
    """Return the items of telemetry that were lost, in all."""
    return cloudwatch.Metric(
        namespace=METRICS_NAMESPACE, metric_name=DROPPED_METRIC, statistic=cloudwatch.Stats.SUM, period=PERIOD
    )


def dropped_by_sink() -> cloudwatch.IMetric:
    """Return the same of each sink: one line each, whichever there are."""
    search = f'{{{METRICS_NAMESPACE},{SINK_DIMENSION}}} MetricName="{DROPPED_METRIC}"'
    return cloudwatch.MathExpression(
        expression=f"SEARCH('{search}', 'Sum', {PERIOD.to_seconds()})", label="", period=PERIOD
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """The metrics of one load balancer, its target group and the service behind them."""

    balancer: elbv2.ApplicationLoadBalancer
    targets: elbv2.ApplicationTargetGroup
    service: ecs.FargateService
    container_insights: bool
    minimum_tasks: int

    def requests(self) -> cloudwatch.Metric:
        """Return the requests a minute for which a target was chosen."""
        return self.balancer.metrics.request_count(period=PERIOD, label="requests a minute")

    def latency(self, statistic: str) -> cloudwatch.Metric:
        """Return seconds until the target's answer began, as `p50`, `p95`, `p99`."""
        return self.targets.metrics.target_response_time(statistic=statistic, period=PERIOD, label=statistic)

    def answers(self, code: elbv2.HttpCodeTarget, label: str) -> cloudwatch.Metric:
        """Return the answers a minute of one class that the service gave."""
        return self.targets.metrics.http_code_target(code, period=PERIOD, label=label)

    def balancer_errors(self) -> cloudwatch.Metric:
        """Return the 5xx a minute that the load balancer gave by itself: no target, no answer, or not in time."""
        return self.balancer.metrics.http_code_elb(
            elbv2.HttpCodeElb.ELB_5XX_COUNT, period=PERIOD, label="5xx by the load balancer"
        )

    def untargeted(self) -> cloudwatch.Metric:
        """Return the 503 a minute that the load balancer gave because there was no target to choose."""
        return self.balancer.metrics.http_code_elb(
            elbv2.HttpCodeElb.ELB_503_COUNT, period=PERIOD, label="503 by the load balancer"
        )

    def error_share(self) -> cloudwatch.MathExpression:
        """Return the percentage of requests that were answered by a 5xx; 0 where fewer than `FEWEST_FAILURES` were.

        `RequestCount` leaves out the requests for which no target was chosen, and no others: a 502 or 504 by the load
        balancer is in it ("CloudWatch metrics for your Application Load Balancer", User Guide). The load balancer's few
        other 5xx without a target, as of its own authentication, can make more failures than requests: that is all.
        """
        failures = "(FILL(failed, 0) + FILL(unserved, 0))"
        total = "(FILL(requests, 0) + FILL(untargeted, 0))"
        share = f"IF({total} > {failures}, 100 * {failures} / {total}, 100)"
        return cloudwatch.MathExpression(
            expression=f"IF({failures} >= {FEWEST_FAILURES}, {share}, 0)",
            using_metrics={
                "requests": self.requests(),
                "failed": self.answers(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, "5xx"),
                "unserved": self.balancer_errors(),
                "untargeted": self.untargeted(),
            },
            label=f"5xx, % of requests, from {FEWEST_FAILURES} on",
            period=PERIOD,
        )

    def slowest_percent(self) -> cloudwatch.MathExpression:
        """Return the p99 of `latency` in seconds; 0 where there were fewer than `FEWEST_REQUESTS`."""
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(requests, 0) >= {FEWEST_REQUESTS}, FILL(p99, 0), 0)",
            using_metrics={"requests": self.requests(), "p99": self.latency("p99")},
            label=f"p99, from {FEWEST_REQUESTS} requests on",
            period=PERIOD,
        )

    def healthy(self) -> cloudwatch.Metric:
        """Return the fewest healthy targets that the load balancer's nodes saw."""
        return self.targets.metrics.healthy_host_count(
            statistic=cloudwatch.Stats.MINIMUM, period=PERIOD, label="healthy"
        )

    def unhealthy(self) -> cloudwatch.Metric:
        """Return the most unhealthy targets that one of them saw."""
        return self.targets.metrics.unhealthy_host_count(
            statistic=cloudwatch.Stats.MAXIMUM, period=PERIOD, label="unhealthy"
        )

    def missing_tasks(self) -> cloudwatch.MathExpression:
        """Return how many tasks there should be and are not healthy.

        What should be is the service's desired count where Container Insights reports it, else the least count.
        """
        healthy = {"healthy": self.healthy()}
        if not self.container_insights:
            return cloudwatch.MathExpression(
                expression=f"{self.minimum_tasks} - healthy", using_metrics=healthy, label="missing", period=PERIOD
            )
        return cloudwatch.MathExpression(
            expression="desired - FILL(healthy, 0)",
            using_metrics={**healthy, "desired": self.desired()},
            label="missing",
            period=PERIOD,
        )

    def desired(self) -> cloudwatch.Metric:
        """Return the desired count, which Container Insights alone reports."""
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name="DesiredTaskCount",
            dimensions_map={
                "ClusterName": self.service.cluster.cluster_name,
                "ServiceName": self.service.service_name,
            },
            statistic=cloudwatch.Stats.MAXIMUM,
            period=PERIOD,
            label="desired",
        )

    def processor(self) -> cloudwatch.Metric:
        """Return the CPU used, as a percentage of what the tasks have."""
        return self.service.metric_cpu_utilization(period=PERIOD, label="CPU, %")

    def memory(self) -> cloudwatch.Metric:
        """Return the memory used, as a percentage of what the tasks have."""
        return self.service.metric_memory_utilization(period=PERIOD, label="memory, %")
