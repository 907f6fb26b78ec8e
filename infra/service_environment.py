"""Fill in every variable of the contract for the deployed service."""

import json
from collections.abc import Mapping

from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_secretsmanager import ISecret

from infra.context import Deployment
from infra.xray import sampling_rule
from service.contract import (
    CONTAINER_PORT,
    LOG_GROUP,
    SECRET_OF,
    SERVICE_NAME,
    SHUTDOWN_DEADLINE_SECONDS,
    XRAY_DAEMON_PORT,
    SecretName,
    Variable,
)


def service_variables(deployment: Deployment, *, region: str) -> dict[str, str]:
    """Return the plain variables; an empty value means "unset" to the service."""
    environment = deployment.environment
    return {
        Variable.DEPLOYMENT_ENVIRONMENT: environment.name,
        Variable.SERVICE_VERSION: deployment.version,
        Variable.FAULT_ROUTES: str(environment.fault_routes).lower(),
        Variable.ALB_AUTHENTICATES: str(environment.alb_authenticates).lower(),
        Variable.TRUST_USER_HEADER: str(environment.trust_user_header).lower(),
        Variable.FRONTEND_URL: "",
        Variable.BACKEND_URL: "",
        # A container's own loopback takes no request from the load balancer.
        Variable.BIND_HOST: "0.0.0.0",  # noqa: S104 - the security group admits the load balancer alone
        Variable.PORT: str(CONTAINER_PORT),
        Variable.WEB_CONCURRENCY: str(environment.workers),
        Variable.WEB_THREADS: str(environment.threads),
        Variable.TELEMETRY_SHUTDOWN_DEADLINE: f"{SHUTDOWN_DEADLINE_SECONDS:g}",
        Variable.LOG_LEVEL: "INFO",
        # Lines go to the log group by the service's own handler; printing them as well would bill them twice.
        Variable.LOG_CONSOLE: "false",
        Variable.OTEL_SERVICE_NAME: SERVICE_NAME,
        Variable.OTEL_TRACES_EXPORTER: "otlp",
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: "https://api.honeycomb.io",
        Variable.OTEL_EXPORTER_OTLP_HEADERS: "",
        Variable.OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        Variable.HONEYCOMB_KEEP_EVERYTHING: str(environment.honeycomb_keeps_everything).lower(),
        Variable.AWS_REGION: region,
        Variable.AWS_XRAY_DAEMON_ADDRESS: f"127.0.0.1:{XRAY_DAEMON_PORT}",
        Variable.AWS_XRAY_TRACING_NAME: SERVICE_NAME,
        Variable.AWS_XRAY_URL: environment.xray_url or "",
        Variable.XRAY_ORIGIN: "AWS::ECS::Fargate",
        Variable.XRAY_SAMPLING_RULE: json.dumps(sampling_rule(environment.sampling), separators=(",", ":")),
        Variable.CLOUDWATCH_LOG_GROUP: LOG_GROUP,
        Variable.ROLLBAR_ENDPOINT: "https://api.rollbar.com/api/1/",
    }


def service_secrets(secrets: Mapping[SecretName, ISecret]) -> dict[str, ecs.Secret]:
    """Return the variables that ECS fills from Secrets Manager when a task starts."""
    return {variable: ecs.Secret.from_secrets_manager(secrets[name]) for variable, name in SECRET_OF.items()}
