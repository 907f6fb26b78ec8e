"""Compose the stack that serves requests: network, tasks, sidecar, load balancer, scaling, alarms and dashboard."""

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration, Stack
from aws_cdk.aws_logs import ILogGroup
from aws_cdk.aws_secretsmanager import ISecret
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from infra import console_urls, xray_sidecar
from infra.alarms import Alarms
from infra.autoscaling import add_autoscaling
from infra.context import Deployment
from infra.dashboard import Dashboard, Links
from infra.environments import Environment
from infra.fargate_service import Container, FargateService, Task
from infra.image import service_image
from infra.load_balancer import LoadBalancer
from infra.logs import ContainerOutput
from infra.metrics import ServiceMetrics
from infra.network import Network
from infra.outputs import Outputs
from infra.service_environment import service_secrets, service_variables
from service.contract import (
    APP_NAME,
    CONTAINER_NAME,
    CONTAINER_PORT,
    HEALTH_CHECK_PATH,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    Output,
    SecretName,
    Variable,
    metrics_namespace,
)

HEALTH_COMMAND: Final = ("python", "-m", "service.healthcheck")
"""The image has Python but no curl."""


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
    ) -> None:
        environment = deployment.environment
        super().__init__(scope, construct_id, description=f"{APP_NAME} {environment.name}: the service on Fargate")

        network = Network(self, "Network", nat_gateways=environment.nat_gateways, zones=environment.availability_zones)
        output = ContainerOutput(self, "ContainerOutput", retention=environment.output_retention)
        backend = FargateService(
            self,
            "Backend",
            network=network,
            container=_flask_container(deployment, region=self.region, secrets=secrets),
            task=Task(cpu=environment.cpu, memory=environment.memory, desired=environment.desired_tasks),
            output=output,
            container_insights=environment.container_insights,
        )
        xray_sidecar.add_xray_daemon(
            backend.task_definition,
            beside=backend.container,
            region=self.region,
            logging=output.driver(XRAY_DAEMON_CONTAINER_NAME),
        )
        load_balancer = self._load_balancer(network, backend, environment)
        add_autoscaling(
            backend.service,
            targets=load_balancer.target_group,
            minimum=environment.minimum_tasks,
            maximum=environment.maximum_tasks,
        )
        log_group.grant_write(backend.task_definition.task_role)
        dashboard = self._dashboard(environment, backend, load_balancer, topic)
        Outputs(self, "Outputs", values=self._outputs(environment, backend, load_balancer, dashboard))

    def _load_balancer(self, network: Network, backend: FargateService, environment: Environment) -> LoadBalancer:
        load_balancer = LoadBalancer(
            self,
            "LoadBalancer",
            vpc=network.vpc,
            service=backend.service,
            container_name=CONTAINER_NAME,
            container_port=CONTAINER_PORT,
            health_check_path=HEALTH_CHECK_PATH,
            domain=environment.domain,
            authentication=environment.authentication,
        )
        if environment.authentication is not None:
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
            container_insights=environment.container_insights,
            minimum_tasks=environment.minimum_tasks,
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
                honeycomb_board=environment.honeycomb_board,
                rollbar_items=environment.rollbar_items,
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
        image=service_image(deployment.image),
        port=CONTAINER_PORT,
        cpu=deployment.environment.cpu - xray_sidecar.CPU,
        memory=deployment.environment.memory - xray_sidecar.MEMORY,
        variables=service_variables(deployment, region=region),
        secrets=service_secrets(secrets),
        health_command=HEALTH_COMMAND,
        stop_timeout=Duration.seconds(STOP_TIMEOUT_SECONDS),
    )
