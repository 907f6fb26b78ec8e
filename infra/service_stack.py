"""Compose the stack that serves requests: network, tasks, sidecar, load balancer, scaling, alarms and dashboard."""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk.aws_kms import IKey, Key
from aws_cdk.aws_logs import ILogGroup
from aws_cdk.aws_secretsmanager import ISecret
from aws_cdk.aws_sns import ITopic
from constructs import Construct

from flask_onetrace.contract import (
    RELAY_PATH,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    Output,
    SecretName,
    Variable,
)
from infra import console_urls, xray_sidecar
from infra.account import stack_options
from infra.alarms import Alarms
from infra.application_secrets import application_secrets
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
from infra.names import Names
from infra.network import Network
from infra.outputs import Outputs
from infra.service_environment import service_secrets, service_variables
from infra.task_role import ApplicationPermissions


class ServiceStack(Stack):
    """Run the application in one environment behind its load balancer."""

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
        environment, names = deployment.environment, deployment.names
        super().__init__(
            scope,
            construct_id,
            description=f"{names.application.name} {names.environment}: the service on Fargate",
            **stack_options(environment.account, names=names, protected=environment.protected),
        )

        network = self._network(environment, encryption_key)
        output = ContainerOutput(
            self, "ContainerOutput", retention=environment.retention, encryption_key=encryption_key
        )
        backend = FargateService(
            self,
            "Backend",
            network=network,
            container=self._flask_container(deployment, secrets),
            tasks=environment.tasks,
            version=deployment.version,
            output=output,
        )
        _add_xray_daemon(backend, environment, region=self.region, output=output)
        load_balancer = self._load_balancer(network, backend, deployment)
        add_autoscaling(
            backend.service,
            targets=load_balancer.target_group,
            minimum=environment.tasks.minimum,
            maximum=environment.tasks.maximum,
        )
        log_group.grant_write(backend.task_definition.task_role)
        self._permit_application(deployment, backend)
        if encryption_key is not None:
            # By its ARN: granted on the construct, the key's policy would name the role of this stack.
            key = Key.from_key_arn(self, "EncryptionKey", encryption_key.key_arn)
            key.grant_decrypt(backend.task_definition.obtain_execution_role())
        dashboard = self._dashboard(deployment, backend, load_balancer, topic)
        Outputs(self, "Outputs", values=self._outputs(names, backend, load_balancer, dashboard))

    def _flask_container(self, deployment: Deployment, secrets: Mapping[SecretName, ISecret]) -> Container:
        application, tasks = deployment.application, deployment.environment.tasks
        own_secrets = application_secrets(Construct(self, "ApplicationSecrets"), deployment.names.own_secrets)
        return Container(
            name=application.container_name,
            image=service_image(self, application, deployment.image, arm64=tasks.arm64),
            port=application.port,
            cpu=tasks.cpu - xray_sidecar.CPU,
            memory=tasks.memory - xray_sidecar.MEMORY,
            variables=service_variables(deployment, region=self.region),
            secrets=service_secrets(secrets, own_secrets),
            health_command=application.image.health_command,
            user=application.image.user,
            read_only=application.image.read_only and not tasks.ecs_exec,
            stop_timeout=Duration.seconds(STOP_TIMEOUT_SECONDS),
        )

    def _permit_application(self, deployment: Deployment, backend: FargateService) -> None:
        permissions = ApplicationPermissions(
            self,
            "ApplicationPermissions",
            statements=deployment.application.task_role,
            role=backend.task_definition.task_role,
            environment_name=deployment.environment.name,
        )
        # No task before it may do what it does at its start.
        backend.service.node.add_dependency(permissions)

    def _network(self, environment: Environment, encryption_key: IKey | None) -> Network:
        return Network(
            self,
            "Network",
            choices=environment.network,
            internal=environment.ingress.internal,
            flow_log_retention=environment.retention.output,
            encryption_key=encryption_key,
        )

    def _load_balancer(self, network: Network, backend: FargateService, deployment: Deployment) -> LoadBalancer:
        application, environment = deployment.application, deployment.environment
        load_balancer = LoadBalancer(
            self,
            "LoadBalancer",
            network=network,
            service=backend.service,
            application=application,
            ingress=environment.ingress,
            deletion_protection=environment.protected,
            access_log_bucket=deployment.names.access_log_bucket(self.account, self.region),
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
        self, deployment: Deployment, backend: FargateService, load_balancer: LoadBalancer, topic: ITopic
    ) -> Dashboard:
        environment, names = deployment.environment, deployment.names
        metrics = ServiceMetrics(
            balancer=load_balancer.balancer,
            targets=load_balancer.target_group,
            service=backend.service,
            container_insights=environment.tasks.container_insights,
            minimum_tasks=environment.tasks.minimum,
            threads=int(service_variables(deployment, region=self.region)[Variable.WEB_THREADS]),
            telemetry_namespace=names.metrics_namespace,
        )
        alarms = Alarms(self, "Alarms", names=names, metrics=metrics, topic=topic, region=self.region)
        return Dashboard(
            self,
            "Dashboard",
            metrics=metrics,
            alarms=alarms,
            links=Links(
                region=self.region,
                names=names,
                honeycomb_board=environment.telemetry.honeycomb_board,
                rollbar_items=environment.telemetry.rollbar_items,
            ),
        )

    def _outputs(
        self, names: Names, backend: FargateService, load_balancer: LoadBalancer, dashboard: Dashboard
    ) -> Mapping[Output, str]:
        return {
            Output.URL: load_balancer.url,
            Output.LOAD_BALANCER_DNS_NAME: load_balancer.balancer.load_balancer_dns_name,
            Output.LOG_GROUP: names.log_group,
            Output.XRAY_CONSOLE: console_urls.xray_traces(self.region),
            Output.DASHBOARD: dashboard.url,
            Output.CLUSTER: backend.cluster.cluster_name,
            Output.SERVICE: backend.service.service_name,
            Output.TASK_DEFINITION: backend.task_definition.task_definition_arn,
            Output.TARGET_GROUP: load_balancer.target_group.target_group_arn,
            Output.LOAD_BALANCER: load_balancer.balancer.load_balancer_arn,
        }


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
