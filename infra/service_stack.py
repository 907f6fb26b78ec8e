"""Compose the stack that serves requests: network, tasks, sidecar, load balancer, scaling, alarms and dashboard."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk.aws_kms import IKey, Key
from aws_cdk.aws_logs import ILogGroup
from aws_cdk.aws_secretsmanager import ISecret
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from flask_onetrace.contract import (
    APP_NAME,
    CONTAINER_NAME,
    CONTAINER_PORT,
    HEALTH_CHECK_PATH,
    RELAY_PATH,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    Output,
    SecretName,
    Variable,
    metrics_namespace,
)
from infra import console_urls, xray_sidecar
from infra.account import stack_options
from infra.alarms import Alarms
from infra.autoscaling import add_autoscaling
from infra.context import Deployment
from infra.dashboard import Dashboard, Links
from infra.environments import Environment
from infra.fargate_service import Container, FargateService
from infra.firewall import WebAcl
from infra.image import service_image
from infra.load_balancer import LoadBalancer
from infra.logs import ContainerOutput
from infra.metrics import ServiceMetrics
from infra.network import Network
from infra.outputs import Outputs
from infra.service_environment import service_secrets, service_variables

HEALTH_COMMAND: Final = ("python", "-m", "flask_onetrace.healthcheck")
"""The image has Python but no curl."""

USER: Final = "10001:10001"
"""The user of service/Dockerfile."""


class ServiceStack(Stack):
    """Run the service of one environment behind its load balancer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        deployment: Deployment,
        log_group: ILogGroup,
        secrets: Mapping[SecretName, ISecret],
        topic: ITopic,
        encryption_key: IKey | None,
    ) -> None:
        environment = deployment.environment
        super().__init__(
            scope,
            construct_id,
            description=f"{APP_NAME} {environment.name}: the service on Fargate",
            **stack_options(environment.account, environment_name=environment.name, protected=environment.protected),
        )

        network = self._network(environment, encryption_key)
        output = ContainerOutput(
            self, "ContainerOutput", retention=environment.retention, encryption_key=encryption_key
        )
        backend = FargateService(
            self,
            "Backend",
            network=network,
            container=_flask_container(deployment, region=self.region, secrets=secrets),
            tasks=environment.tasks,
            version=deployment.version,
            output=output,
        )
        _add_xray_daemon(backend, environment, region=self.region, output=output)
        load_balancer = self._load_balancer(network, backend, environment)
        add_autoscaling(
            backend.service,
            targets=load_balancer.target_group,
            minimum=environment.tasks.minimum,
            maximum=environment.tasks.maximum,
        )
        log_group.grant_write(backend.task_definition.task_role)
        if encryption_key is not None:
            # By its ARN: granted on the construct, the key's policy would name the role of this stack.
            key = Key.from_key_arn(self, "EncryptionKey", encryption_key.key_arn)
            key.grant_decrypt(backend.task_definition.obtain_execution_role())
        dashboard = self._dashboard(environment, backend, load_balancer, topic)
        Outputs(self, "Outputs", values=self._outputs(environment, backend, load_balancer, dashboard))

    def _network(self, environment: Environment, encryption_key: IKey | None) -> Network:
        return Network(
            self,
            "Network",
            choices=environment.network,
            internal=environment.ingress.internal,
            flow_log_retention=environment.retention.output,
            encryption_key=encryption_key,
        )

    def _load_balancer(self, network: Network, backend: FargateService, environment: Environment) -> LoadBalancer:
        load_balancer = LoadBalancer(
            self,
            "LoadBalancer",
            network=network,
            service=backend.service,
            container_name=CONTAINER_NAME,
            container_port=CONTAINER_PORT,
            health_check_path=HEALTH_CHECK_PATH,
            ingress=environment.ingress,
            deletion_protection=environment.protected,
            access_log_bucket=environment.names.access_log_bucket(self.account, self.region),
        )
        if environment.ingress.firewall is not None:
            WebAcl(
                self,
                "WebAcl",
                firewall=environment.ingress.firewall,
                balancer=load_balancer.balancer,
                relay_path=RELAY_PATH,
            )
        if environment.ingress.authentication is not None:
            # Only now: the load balancer needs the service that runs the container.
            backend.container.add_environment(Variable.ALB_ARN, load_balancer.balancer.load_balancer_arn)
        return load_balancer

    def _dashboard(
        self, environment: Environment, backend: FargateService, load_balancer: LoadBalancer, topic: ITopic
    ) -> Dashboard:
        metrics = ServiceMetrics(
            balancer=load_balancer.balancer,
            targets=load_balancer.target_group,
            service=backend.service,
            container_insights=environment.tasks.container_insights,
            minimum_tasks=environment.tasks.minimum,
            threads=environment.tasks.threads,
            telemetry_namespace=metrics_namespace(environment.name),
        )
        alarms = Alarms(self, "Alarms", names=environment.names, metrics=metrics, topic=topic, region=self.region)
        return Dashboard(
            self,
            "Dashboard",
            name=environment.names.dashboard,
            metrics=metrics,
            alarms=alarms,
            links=Links(
                region=self.region,
                log_group=environment.names.log_group,
                honeycomb_board=environment.telemetry.honeycomb_board,
                rollbar_items=environment.telemetry.rollbar_items,
            ),
        )

    def _outputs(
        self, environment: Environment, backend: FargateService, load_balancer: LoadBalancer, dashboard: Dashboard
    ) -> Mapping[Output, str]:
        return {
            Output.URL: load_balancer.url,
            Output.LOAD_BALANCER_DNS_NAME: load_balancer.balancer.load_balancer_dns_name,
            Output.LOG_GROUP: environment.names.log_group,
            Output.XRAY_CONSOLE: console_urls.xray_traces(self.region),
            Output.DASHBOARD: dashboard.url,
            Output.CLUSTER: backend.cluster.cluster_name,
            Output.SERVICE: backend.service.service_name,
            Output.TASK_DEFINITION: backend.task_definition.task_definition_arn,
            Output.TARGET_GROUP: load_balancer.target_group.target_group_arn,
            Output.LOAD_BALANCER: load_balancer.balancer.load_balancer_arn,
        }


def _flask_container(deployment: Deployment, *, region: str, secrets: Mapping[SecretName, ISecret]) -> Container:
    return Container(
        name=CONTAINER_NAME,
        image=service_image(deployment.image, arm64=deployment.environment.tasks.arm64),
        port=CONTAINER_PORT,
        cpu=deployment.environment.tasks.cpu - xray_sidecar.CPU,
        memory=deployment.environment.tasks.memory - xray_sidecar.MEMORY,
        variables=service_variables(deployment, region=region),
        secrets=service_secrets(secrets),
        health_command=HEALTH_COMMAND,
        user=USER,
        stop_timeout=Duration.seconds(STOP_TIMEOUT_SECONDS),
    )


def _add_xray_daemon(
    backend: FargateService, environment: Environment, *, region: str, output: ContainerOutput
) -> None:
    image = xray_sidecar.xray_daemon_image(copied=environment.network.reaches_only_aws, arm64=environment.tasks.arm64)
    xray_sidecar.add_xray_daemon(
        backend.task_definition,
        beside=backend.container,
        image=image,
        region=region,
        logging=output.driver(XRAY_DAEMON_CONTAINER_NAME),
    )
