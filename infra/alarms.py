"""Wake somebody, and say where to look: each alarm's description begins with the saved query that answers first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from aws_cdk.aws_sns_subscriptions import EmailSubscription
from constructs import Construct

from infra.metrics import FEWEST_FAILURES, FEWEST_REQUESTS, Signals, dropped
from infra.saved_queries import saved_queries
from service.contract import LOG_GROUP, XRAY_GROUP

ERROR_PERCENT: Final = 5
SLOW_SECONDS: Final = 1.0
"""What the X-Ray group of slow requests takes for slow, too."""

# The newest minutes of a load balancer's and of Container Insights' metrics come late, and what FILL puts in their
# place is not what they were: where each of the last minutes has to be bad, an alarm can be held in OK for good. So
# more are looked at than have to be bad: M out of N, as the User Guide says of FILL ("Using math expressions with
# CloudWatch metrics").
_OF_ERRORS: Final = (2, 5)
_OF_LATENCY: Final = (3, 5)
_OF_TASKS: Final = (5, 8)

_NOT_BREACHING: Final = cloudwatch.TreatMissingData.NOT_BREACHING
_BREACHING: Final = cloudwatch.TreatMissingData.BREACHING


class AlarmTopic(Construct):
    """Create the topic that alarms are sent to. An address given must confirm by the e-mail that AWS sends it."""

    def __init__(self, scope: Construct, construct_id: str, *, environment_name: str, email: str | None) -> None:
        super().__init__(scope, construct_id)

        self.topic = sns.Topic(self, "Topic", display_name=f"Cruddur {environment_name}", enforce_ssl=True)
        # A policy of one's own replaces the default one, by which alarms of the account may publish.
        self.topic.add_to_resource_policy(_publishing_by_alarms(self.topic, Stack.of(self).account))
        if email is not None:
            self.topic.add_subscription(EmailSubscription(email))


def _publishing_by_alarms(topic: sns.Topic, account: str) -> iam.PolicyStatement:
    here = {"StringEquals": {"aws:SourceAccount": account}}
    return iam.PolicyStatement(
        actions=["sns:Publish"],
        principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com", conditions=here)],
        resources=[topic.topic_arn],
    )


class Alarms(Construct):
    """Create five alarms, $0.10 a month for each metric that they read. Without traffic none of them fires."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment_name: str,
        signals: Signals,
        topic: sns.ITopic,
        region: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment_name = environment_name
        self._action = actions.SnsAction(topic)
        self._region = region

        bad_version = (self._errors(signals), self._latency(signals))
        self._roll_back_at(bad_version, signals.service)
        self.all: Final = (
            *bad_version,
            self._unhealthy_targets(signals),
            self._missing_tasks(signals),
            self._dropped_telemetry(),
        )

    def _roll_back_at(self, alarms: Sequence[cloudwatch.Alarm], service: ecs.FargateService) -> None:
        """Have ECS roll back a deployment during which one of `alarms` fires; they must not measure the service."""
        # Written out: a reference would do, but the CDK warns of each at every synth.
        names = [self._full_name(each.node.id) for each in alarms]
        service.enable_deployment_alarms(names, behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM)
        service.node.add_dependency(*alarms)

    def _full_name(self, name: str) -> str:
        return f"Cruddur-{self._environment_name}-{name}"

    def _errors(self, signals: Signals) -> cloudwatch.Alarm:
        return self._alarm(
            "5xx-share",
            signals.error_share(),
            threshold=ERROR_PERCENT,
            minutes=_OF_ERRORS,
            says=f"More than {ERROR_PERCENT} % of requests fail. Minutes with fewer than {FEWEST_FAILURES} failures"
            f" do not count. Look first at {self._query('errors-by-route')}, then at the X-Ray group"
            f" {XRAY_GROUP}-Faults and at Rollbar's newest item. Errors of the load balancer alone mean that no task"
            " answers: see the service's events in ECS.",
        )

    def _latency(self, signals: Signals) -> cloudwatch.Alarm:
        return self._alarm(
            "p99",
            signals.slowest_percent(),
            threshold=SLOW_SECONDS,
            minutes=_OF_LATENCY,
            says=f"One request in a hundred takes over {SLOW_SECONDS:g} s. Minutes with fewer than {FEWEST_REQUESTS}"
            f" requests do not count. Look first at {self._query('slowest-routes')}, then at the X-Ray group"
            f" {XRAY_GROUP}-Slow; is CPU at its limit?",
        )

    def _unhealthy_targets(self, signals: Signals) -> cloudwatch.Alarm:
        return self._alarm(
            "unhealthy-targets",
            signals.unhealthy(),
            threshold=0,
            minutes=(3, 3),
            says="A task fails the load balancer's health checks. Look first at the stopped tasks and events of the"
            f" service in ECS, then at {self._query('errors-by-route')}.",
        )

    def _missing_tasks(self, signals: Signals) -> cloudwatch.Alarm:
        datapoints, periods = _OF_TASKS
        alarm = self._alarm(
            "tasks-below-desired",
            signals.missing_tasks(),
            threshold=0,
            minutes=_OF_TASKS,
            # A load balancer reports most of its metrics only while requests flow. HealthyHostCount is "reported if
            # health checks are enabled" ("CloudWatch metrics for your Application Load Balancer", User Guide), traffic
            # or not, so its absence is no quiet hour: no target is registered, which is the worst case.
            missing=_BREACHING,
            says=f"In {datapoints} minutes of {periods} fewer tasks were healthy than there should be. Look first at"
            " the events of the service in ECS (image, secrets, capacity), then at what its containers printed; what"
            f" the last tasks wrote is in {self._query('recent-traces')}.",
        )
        if not signals.container_insights:  # else its metric names the service
            alarm.node.add_dependency(signals.service)
        return alarm

    def _dropped_telemetry(self) -> cloudwatch.Alarm:
        return self._alarm(
            "telemetry-dropped",
            dropped(),
            threshold=0,
            minutes=(1, 1),
            says=f"Telemetry was lost, requests were not. Look first at {self._query('dropped-telemetry')} for the"
            " sink, then at /api/health-check?detail for its last error: a refused key, or a sink that is down. What"
            " CloudWatch Logs itself did not take is measured from the container's output.",
        )

    def _query(self, name: str) -> str:
        query = saved_queries()[name]
        return f"[{query.title}]({query.console_link(region=self._region, log_group=LOG_GROUP)})"

    def _alarm(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: float,
        minutes: tuple[int, int],
        says: str,
        missing: cloudwatch.TreatMissingData = _NOT_BREACHING,
    ) -> cloudwatch.Alarm:
        """Fire when `metric` is above `threshold` in the first of `minutes` out of the second."""
        datapoints, periods = minutes
        alarm = cloudwatch.Alarm(
            self,
            name,
            alarm_name=self._full_name(name),
            alarm_description=says,
            metric=metric,
            threshold=threshold,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            datapoints_to_alarm=datapoints,
            evaluation_periods=periods,
            treat_missing_data=missing,
        )
        alarm.add_alarm_action(self._action)
        alarm.add_ok_action(self._action)
        return alarm
