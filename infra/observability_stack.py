"""Compose the stack that outlives the service: log group, X-Ray groups and rules, secrets and the alarms' topic."""

from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_kms as kms
from aws_cdk.aws_logs import ILogGroup
from aws_cdk.aws_secretsmanager import ISecret
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from flask_onetrace.contract import SecretName
from infra.access_logs import AccessLogs
from infra.account import stack_options
from infra.encryption import CustomerKey
from infra.environments import Environment
from infra.logs import ApplicationLogs
from infra.metrics import measure_sampled_share, measure_threads
from infra.names import Names
from infra.notifications import AlarmTopic
from infra.saved_queries import SavedQueries
from infra.secrets import SinkSecrets
from infra.xray import Tracing


class ObservabilityStack(Stack):
    """Hold the log group with its queries and metrics, X-Ray's groups and rules, the secrets and the alarms' topic."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, names: Names) -> None:
        super().__init__(
            scope,
            construct_id,
            description=f"{names.application.name} {names.environment}: log group with its queries and metrics,"
            " X-Ray groups and rule, sink keys, topic of the alarms",
            **stack_options(environment.account, names=names, protected=environment.protected),
        )
        retention, telemetry = environment.retention, environment.telemetry
        self.encryption_key: kms.IKey | None = None
        if environment.customer_key:
            self.encryption_key = CustomerKey(self, "Encryption", environment_name=environment.name).key

        self.log_group = self._application_logs(environment, names)
        Tracing(
            self,
            "Tracing",
            names=names,
            sampling=telemetry.sampling,
            dynamic_naming=telemetry.xray_url is not None,
        )
        sink_secrets = SinkSecrets(
            self,
            "Secrets",
            names=names,
            removal_policy=retention.removal_policy,
            encryption_key=self.encryption_key,
        )
        if environment.ingress.access_logs:
            AccessLogs(self, "AccessLogs", name=names.access_log_bucket(self.account, self.region))
        alarm_topic = AlarmTopic(
            self,
            "Alarms",
            names=names,
            notifications=environment.notifications,
            encryption_key=self.encryption_key,
        )

        self.topic: ITopic = alarm_topic.topic
        self.secrets: Mapping[SecretName, ISecret] = sink_secrets.by_name

    def _application_logs(self, environment: Environment, names: Names) -> ILogGroup:
        """Create the log group with its metrics and queries."""
        group = ApplicationLogs(
            self,
            "Logs",
            name=names.log_group,
            retention=environment.retention,
            encryption_key=self.encryption_key,
        ).log_group
        measure_sampled_share(
            self,
            "SampledShare",
            log_group=group,
            namespace=names.metrics_namespace,
            health_check_path=names.application.health_check_path,
        )
        measure_threads(Construct(self, "Threads"), log_group=group, namespace=names.metrics_namespace)
        SavedQueries(self, "Queries", names=names, log_group=group)
        return group
