"""Define the metrics of the service: AWS's own, which are free, and those that come from log lines.

A custom metric costs $0.30 a month, prorated by the hours with data ("Amazon CloudWatch pricing"). The sampled share is
one; the metric filter that makes it is free. Dropped telemetry, by the embedded metric format, is one for each sink
that drops, and one for the total. Busy threads and waiting requests are three, by metric filters.
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

from flask_onetrace.contract import (
    ACCESS_LOGGER,
    DROPPED_METRIC,
    LOGGER_FIELD,
    PATH_FIELD,
    QUEUE_SECONDS_FIELD,
    QUEUE_SECONDS_METRIC,
    REQUESTS_WAITING_FIELD,
    REQUESTS_WAITING_METRIC,
    SAMPLED_FIELD,
    SAMPLED_METRIC,
    SINK_DIMENSION,
    THREADS_BUSY_FIELD,
    THREADS_BUSY_METRIC,
    THREADS_LOGGER,
)

PERIOD: Final = Duration.minutes(1)

MINIMUM_FAILURES: Final = 3
"""Failing requests in a minute before their share counts: in an idle minute a single one would be 100 %."""
MINIMUM_REQUESTS: Final = 20
"""Requests in a minute before their p99 counts: of fewer, it would be the single slowest one."""


def measure_sampled_share(
    scope: Construct, construct_id: str, *, log_group: ILogGroup, namespace: str, health_check_path: str
) -> None:
    """Create a metric from the access lines' `sampled`, 0 or 1: its average is the share of sampled requests.

    Health checks, by the load balancer and the container, are left out: of an idle service they would be most requests.
    """
    MetricFilter(
        scope,
        construct_id,
        log_group=log_group,
        filter_pattern=FilterPattern.all(
            FilterPattern.string_value(f"$.{LOGGER_FIELD}", "=", ACCESS_LOGGER),
            FilterPattern.string_value(f"$.{PATH_FIELD}", "!=", health_check_path),
        ),
        metric_namespace=namespace,
        metric_name=SAMPLED_METRIC,
        metric_value=f"$.{SAMPLED_FIELD}",
    )


def measure_threads(scope: Construct, *, log_group: ILogGroup, namespace: str) -> None:
    """Create the metrics of the line that a worker writes while its threads are scarce; otherwise they have no data."""
    for name, field, unit in (
        (THREADS_BUSY_METRIC, THREADS_BUSY_FIELD, cloudwatch.Unit.COUNT),
        (REQUESTS_WAITING_METRIC, REQUESTS_WAITING_FIELD, cloudwatch.Unit.COUNT),
        (QUEUE_SECONDS_METRIC, QUEUE_SECONDS_FIELD, cloudwatch.Unit.SECONDS),
    ):
        MetricFilter(
            scope,
            name,
            log_group=log_group,
            filter_pattern=FilterPattern.string_value(f"$.{LOGGER_FIELD}", "=", THREADS_LOGGER),
            metric_namespace=namespace,
            metric_name=name,
            metric_value=f"$.{field}",
            unit=unit,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMetrics:
    """The metrics of one load balancer, its target group and the service behind them."""

    balancer: elbv2.ApplicationLoadBalancer
    targets: elbv2.ApplicationTargetGroup
    service: ecs.FargateService
    container_insights: bool
    minimum_tasks: int
    threads: int
    """Of each worker."""
    telemetry_namespace: str

    def requests(self) -> cloudwatch.Metric:
        """Return the requests a minute for which the load balancer chose a target."""
        return self.balancer.metrics.request_count(period=PERIOD, label="requests a minute")

    def latency(self, statistic: str) -> cloudwatch.Metric:
        """Return the target's response time in seconds, at `statistic`: `p50`, `p95`, `p99`."""
        return self.targets.metrics.target_response_time(statistic=statistic, period=PERIOD, label=statistic)

    def responses(self, code: elbv2.HttpCodeTarget, label: str) -> cloudwatch.Metric:
        """Return the service's responses a minute with one class of status."""
        return self.targets.metrics.http_code_target(code, period=PERIOD, label=label)

    def balancer_errors(self) -> cloudwatch.Metric:
        """Return the 5xx a minute of the load balancer itself: no target, no response, or a timeout."""
        return self.balancer.metrics.http_code_elb(
            elbv2.HttpCodeElb.ELB_5XX_COUNT, period=PERIOD, label="5xx by the load balancer"
        )

    def no_target_errors(self) -> cloudwatch.Metric:
        """Return the 503 a minute of the load balancer itself: it had no target to choose."""
        return self.balancer.metrics.http_code_elb(
            elbv2.HttpCodeElb.ELB_503_COUNT, period=PERIOD, label="503 by the load balancer"
        )

    def error_share(self) -> cloudwatch.MathExpression:
        """Return the percentage of requests with a 5xx response; 0 in minutes with fewer than `MINIMUM_FAILURES`.

        `RequestCount` leaves out the requests for which no target was chosen, and no others: it includes a 502 or 504
        of the load balancer ("CloudWatch metrics for your Application Load Balancer", User Guide). Other 5xx without a
        target are rare, but can make failures exceed requests: the percentage is then 100.
        """
        failures = "(FILL(failed, 0) + FILL(unserved, 0))"
        total = "(FILL(requests, 0) + FILL(untargeted, 0))"
        share = f"IF({total} > {failures}, 100 * {failures} / {total}, 100)"
        return cloudwatch.MathExpression(
            expression=f"IF({failures} >= {MINIMUM_FAILURES}, {share}, 0)",
            using_metrics={
                "requests": self.requests(),
                "failed": self.responses(elbv2.HttpCodeTarget.TARGET_5XX_COUNT, "5xx"),
                "unserved": self.balancer_errors(),
                "untargeted": self.no_target_errors(),
            },
            label=f"5xx, % of requests, from {MINIMUM_FAILURES} on",
            period=PERIOD,
        )

    def p99(self) -> cloudwatch.MathExpression:
        """Return the p99 of `latency` in seconds; 0 in minutes with fewer than `MINIMUM_REQUESTS`."""
        return cloudwatch.MathExpression(
            expression=f"IF(FILL(requests, 0) >= {MINIMUM_REQUESTS}, FILL(p99, 0), 0)",
            using_metrics={"requests": self.requests(), "p99": self.latency("p99")},
            label=f"p99, from {MINIMUM_REQUESTS} requests on",
            period=PERIOD,
        )

    def healthy_targets(self) -> cloudwatch.Metric:
        """Return the number of healthy targets, the minimum over the load balancer's nodes."""
        return self.targets.metrics.healthy_host_count(
            statistic=cloudwatch.Stats.MINIMUM, period=PERIOD, label="healthy"
        )

    def unhealthy_targets(self) -> cloudwatch.Metric:
        """Return the number of unhealthy targets, the maximum over the load balancer's nodes."""
        return self.targets.metrics.unhealthy_host_count(
            statistic=cloudwatch.Stats.MAXIMUM, period=PERIOD, label="unhealthy"
        )

    def missing_tasks(self) -> cloudwatch.MathExpression:
        """Return the desired number of tasks less the healthy ones; without data while no task is registered.

        The desired number is the service's own where Container Insights reports it, otherwise `minimum_tasks`.
        """
        desired = {"desired": self.desired_tasks()} if self.container_insights else {}
        return cloudwatch.MathExpression(
            expression=f"{'desired' if desired else self.minimum_tasks} - healthy",
            using_metrics={"healthy": self.healthy_targets(), **desired},
            label="missing",
            period=PERIOD,
        )

    def desired_tasks(self) -> cloudwatch.Metric:
        """Return the service's desired count, which only Container Insights reports."""
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

    def cpu(self) -> cloudwatch.Metric:
        """Return the CPU utilization, as a percentage of the tasks' CPU."""
        return self.service.metric_cpu_utilization(period=PERIOD, label="CPU, %")

    def memory(self) -> cloudwatch.Metric:
        """Return the memory utilization, as a percentage of the tasks' memory."""
        return self.service.metric_memory_utilization(period=PERIOD, label="memory, %")

    def sampled_share(self) -> cloudwatch.IMetric:
        """Return the percentage of requests, without health checks, that were sampled."""
        share = self._from_lines(SAMPLED_METRIC, cloudwatch.Stats.AVERAGE)
        return cloudwatch.MathExpression(
            expression="100 * share", using_metrics={"share": share}, label="sampled, %", period=PERIOD
        )

    def dropped(self) -> cloudwatch.Metric:
        """Return the number of dropped telemetry items, all sinks together."""
        return self._from_lines(DROPPED_METRIC, cloudwatch.Stats.SUM)

    def threads_busy(self) -> cloudwatch.Metric:
        """Return the busy threads of the worker that has most of them; without data below 80 %."""
        return self._from_lines(THREADS_BUSY_METRIC, cloudwatch.Stats.MAXIMUM, label="threads busy")

    def requests_waiting(self) -> cloudwatch.Metric:
        """Return the requests that wait for a thread, of the worker that has most of them."""
        return self._from_lines(REQUESTS_WAITING_METRIC, cloudwatch.Stats.MAXIMUM, label="requests waiting")

    def queue_seconds(self) -> cloudwatch.Metric:
        """Return how many seconds a request has waited for a thread, at most."""
        return self._from_lines(QUEUE_SECONDS_METRIC, cloudwatch.Stats.MAXIMUM, label="longest wait, seconds")

    def _from_lines(self, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self.telemetry_namespace, metric_name=name, statistic=statistic, period=PERIOD, label=label
        )

    def dropped_by_sink(self) -> cloudwatch.IMetric:
        """Return the number of dropped telemetry items as one line per sink, found by a search."""
        search = f'{{{self.telemetry_namespace},{SINK_DIMENSION}}} MetricName="{DROPPED_METRIC}"'
        return cloudwatch.MathExpression(
            expression=f"SEARCH('{search}', 'Sum', {PERIOD.to_seconds()})", label="", period=PERIOD
        )
