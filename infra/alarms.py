"""Create the CloudWatch alarms; each alarm's description links the saved query to look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sns as sns
from constructs import Construct

from flask_onetrace.contract import SLOW_SECONDS
from infra.metrics import MINIMUM_FAILURES, MINIMUM_REQUESTS, ServiceMetrics
from infra.names import Names
from infra.saved_queries import saved_queries

ERROR_PERCENT: Final = 5


class Minutes(NamedTuple):
    """How many of the last `evaluated` minutes must breach the threshold for an alarm to fire."""

    breaching: int
    evaluated: int


# The newest minutes of a load balancer's and of Container Insights' metrics are published late, and FILL stands for
# them until then: an alarm that needs each of the last minutes to breach could stay in OK forever. So it evaluates more
# minutes than must breach, M out of N, as the User Guide advises for FILL ("Using math expressions with CloudWatch
# metrics").
_ERROR_MINUTES: Final = Minutes(breaching=2, evaluated=5)
_LATENCY_MINUTES: Final = Minutes(breaching=3, evaluated=5)
_TASK_MINUTES: Final = Minutes(breaching=5, evaluated=8)

_NOT_BREACHING: Final = cloudwatch.TreatMissingData.NOT_BREACHING
_MISSING: Final = cloudwatch.TreatMissingData.MISSING


class Alarms(Construct):
    """Create the five alarms, at $0.10 a month for each metric that they read. Without traffic none of them fires."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        metrics: ServiceMetrics,
        topic: sns.ITopic,
        region: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._names = names
        self._action = actions.SnsAction(topic)
        self._region = region

        rollback_alarms = (self._errors(metrics), self._latency(metrics))
        self._roll_back_on(rollback_alarms, metrics.service)
        self.all: Final = (
            *rollback_alarms,
            self._unhealthy_targets(metrics),
            self._missing_tasks(metrics),
            self._dropped_telemetry(metrics),
        )

    def _roll_back_on(self, alarms: Sequence[cloudwatch.Alarm], service: ecs.FargateService) -> None:
        """Make ECS roll back a deployment during which one of `alarms` fires; none of them may refer to the service."""
        # Literal names: for references the CDK prints a warning at every synth.
        names = [self._names.resource(alarm.node.id) for alarm in alarms]
        service.enable_deployment_alarms(names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        service.node.add_dependency(*alarms)

    def _errors(self, metrics: ServiceMetrics) -> cloudwatch.Alarm:
        return self._alarm(
            "5xx-share",
            metrics.error_share(),
            threshold=ERROR_PERCENT,
            minutes=_ERROR_MINUTES,
            text=f"More than {ERROR_PERCENT} % of requests fail. Minutes with fewer than {MINIMUM_FAILURES} failures"
            f" do not count. Look first at {self._query('errors-by-route')}, then at the X-Ray group"
            f" {self._names.xray_group}-Faults and at Rollbar's newest item. Errors of the load balancer alone mean"
            " that no task answers: see the service's events in ECS.",
        )

    def _latency(self, metrics: ServiceMetrics) -> cloudwatch.Alarm:
        return self._alarm(
            "p99",
            metrics.p99(),
            threshold=SLOW_SECONDS,
            minutes=_LATENCY_MINUTES,
            text=f"One request in a hundred takes over {SLOW_SECONDS:g} s. Minutes with fewer than {MINIMUM_REQUESTS}"
            f" requests do not count. Look first at {self._query('slowest-routes')}, then at the X-Ray group"
            f" {self._names.xray_group}-Slow; is CPU at its limit?",
        )

    def _unhealthy_targets(self, metrics: ServiceMetrics) -> cloudwatch.Alarm:
        return self._alarm(
            "unhealthy-targets",
            metrics.unhealthy_targets(),
            threshold=0,
            minutes=Minutes(breaching=3, evaluated=3),
            text="A task fails the load balancer's health checks. Look first at the stopped tasks and events of the"
            f" service in ECS, then at {self._query('errors-by-route')}.",
        )

    def _missing_tasks(self, metrics: ServiceMetrics) -> cloudwatch.Alarm:
        alarm = self._alarm(
            "tasks-below-desired",
            metrics.missing_tasks(),
            threshold=0,
            minutes=_TASK_MINUTES,
            # A load balancer reports most of its metrics only while requests flow. HealthyHostCount is "reported if
            # health checks are enabled" ("CloudWatch metrics for your Application Load Balancer", User Guide), with or
            # without traffic, so missing data means that no target is registered: the worst case. It cannot count as
            # breaching, because the minutes before the first deploy have none either: the new alarm would fire. So
            # the alarm turns INSUFFICIENT_DATA, which is its state when it is created and otherwise notifies.
            missing_data=_MISSING,
            text=f"In {_TASK_MINUTES.breaching} minutes of {_TASK_MINUTES.evaluated} fewer tasks were healthy than"
            " there should be; INSUFFICIENT_DATA: no task at all is registered. Look first at the events of the"
            " service in ECS (image, secrets, capacity), then at what its containers printed; what the last tasks"
            f" wrote is in {self._query('recent-traces')}.",
        )
        alarm.add_insufficient_data_action(self._action)
        if not metrics.container_insights:  # otherwise the metric itself refers to the service
            alarm.node.add_dependency(metrics.service)
        return alarm

    def _dropped_telemetry(self, metrics: ServiceMetrics) -> cloudwatch.Alarm:
        return self._alarm(
            "telemetry-dropped",
            metrics.dropped(),
            threshold=0,
            minutes=Minutes(breaching=1, evaluated=1),
            text=f"Telemetry was lost, requests were not. Look first at {self._query('dropped-telemetry')} for the"
            " sink, then at that sink's WARNING lines for the reason: a refused key, or a sink that is down. What"
            " CloudWatch Logs itself did not take, and why, is in the container's output.",
        )

    def _query(self, name: str) -> str:
        query = saved_queries(self._names.application)[name]
        return f"[{query.title}]({query.console_url(region=self._region, log_group=self._names.log_group)})"

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        minutes: Minutes,
        text: str,
        missing_data: cloudwatch.TreatMissingData = _NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Create an alarm that fires when `metric` is above `threshold`."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._names.resource(name),
            alarm_description=text,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            datapoints_to_alarm=minutes.breaching,
            evaluation_periods=minutes.evaluated,
            treat_missing_data=missing_data,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm
