"""Set every variable of the contract for the deployed service."""

import json
from collections.abc import Mapping

from aws_cdk import aws_ecs as ecs
from aws_cdk.aws_secretsmanager import ISecret

from flask_onetrace.contract import (
    HONEYCOMB_API,
    ROLLBAR_API,
    SECRET_OF,
    SHUTDOWN_DEADLINE_SECONDS,
    SLOW_SECONDS,
    TAIL_SAMPLING_PER_SECOND,
    XRAY_DAEMON_PORT,
    SecretName,
    Variable,
)
from infra import console_urls
from infra.context import Deployment
from infra.cors_origins import CorsOrigins
from infra.xray import sampling_rule


def service_variables(deployment: Deployment, *, region: str) -> dict[str, str]:
    """Return the plain variables: the runtime's, and the application's own beside them or in place of them."""
    own = deployment.application.variables_in(deployment.environment.name)
    variables = runtime_variables(deployment, region=region) | own
    return {name: value for name, value in variables.items() if name not in deployment.application.secrets}


def runtime_variables(deployment: Deployment, *, region: str) -> dict[str, str]:
    """Return the contract's variables as the deployment sets them; an empty value means "unset" to the service."""
    return _service_variables(deployment) | _telemetry_variables(deployment, region=region)


def _service_variables(deployment: Deployment) -> dict[str, str]:
    application, names = deployment.application, deployment.names
    environment, ingress = deployment.environment, deployment.environment.ingress
    login, origins = ingress.authentication, ingress.cors or CorsOrigins()
    return {
        Variable.FLASK_APP: application.flask_app or "",
        Variable.HEALTH_CHECK_PATH: application.health_check_path,
        Variable.USER_HEADER: application.user_header(environment.name),
        Variable.FRONTEND_SERVICE_NAME: application.frontend_service_name(environment.name),
        Variable.METRICS_NAMESPACE: names.metrics_namespace,
        Variable.DEPLOYMENT_ENVIRONMENT: environment.name,
        Variable.SERVICE_VERSION: deployment.version,
        Variable.FAULT_ROUTES: str(environment.fault_routes).lower(),
        # Set by the stack where the listener authenticates users: without it, its headers could be anyone's.
        Variable.ALB_ARN: "",
        Variable.ALB_OIDC_ISSUER: login.issuer if login is not None else "",
        Variable.ALB_OIDC_CLIENT_ID: login.client_id if login is not None else "",
        Variable.ALB_PUBLIC_KEYS_URL: "",
        Variable.TRUST_USER_HEADER: str(environment.trust_user_header).lower(),
        Variable.FRONTEND_URL: ",".join(origins.frontend),
        Variable.BACKEND_URL: ",".join(origins.backend),
        # The load balancer cannot reach a container's loopback interface.
        Variable.BIND_HOST: "0.0.0.0",  # noqa: S104 - the security group admits only the load balancer
        Variable.PORT: str(application.port),
        Variable.WEB_CONCURRENCY: str(environment.tasks.workers),
        Variable.WEB_THREADS: str(environment.tasks.threads),
        Variable.TELEMETRY_SHUTDOWN_DEADLINE: f"{SHUTDOWN_DEADLINE_SECONDS:g}",
        Variable.LOG_LEVEL: "INFO",
        # The service's own handler sends the lines to the log group; printing them as well would bill them twice.
        Variable.LOG_CONSOLE: "false",
        Variable.BROWSER_RELAY: str(environment.telemetry.browser_relay).lower(),
        Variable.HEALTH_CHECK_DETAIL: "false",
        Variable.REDACT_NAMES: "",
        Variable.BAGGAGE_HOSTS: "",
    }


def _telemetry_variables(deployment: Deployment, *, region: str) -> dict[str, str]:
    environment, names = deployment.environment, deployment.names
    return {
        Variable.OTEL_SERVICE_NAME: deployment.application.service_name,
        Variable.OTEL_SDK_DISABLED: "false",
        Variable.OTEL_PYTHON_DISABLED_INSTRUMENTATIONS: "",
        Variable.OTEL_TRACES_EXPORTER: "otlp",
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: HONEYCOMB_API,
        Variable.OTEL_EXPORTER_OTLP_HEADERS: "",
        Variable.OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
        Variable.HONEYCOMB_KEEP_EVERYTHING: "false",
        Variable.AWS_REGION: region,
        # What boto3 reads: a handler's own clients have no other region.
        Variable.AWS_DEFAULT_REGION: region,
        Variable.AWS_XRAY_DAEMON_ADDRESS: f"127.0.0.1:{XRAY_DAEMON_PORT}",
        Variable.AWS_XRAY_TRACING_NAME: names.xray_service,
        Variable.TRACE_URL: console_urls.xray_trace_template(region),
        Variable.AWS_XRAY_URL: environment.telemetry.xray_url or "",
        Variable.XRAY_ORIGIN: "AWS::ECS::Fargate",
        Variable.XRAY_SAMPLING_RULE: json.dumps(
            sampling_rule(names, environment.telemetry.sampling), separators=(",", ":")
        ),
        Variable.TAIL_SAMPLING_SLOW_SECONDS: f"{SLOW_SECONDS:g}",
        Variable.TAIL_SAMPLING_PER_SECOND: str(TAIL_SAMPLING_PER_SECOND),
        Variable.CLOUDWATCH_LOG_GROUP: names.log_group,
        Variable.ROLLBAR_ENDPOINT: ROLLBAR_API,
    }


def service_secrets(sinks: Mapping[SecretName, ISecret], own: Mapping[str, ISecret]) -> dict[str, ecs.Secret]:
    """Return the variables that ECS fills from Secrets Manager when a task starts."""
    secrets = {str(variable): sinks[name] for variable, name in SECRET_OF.items()} | dict(own)
    return {variable: ecs.Secret.from_secrets_manager(secret) for variable, secret in secrets.items()}
