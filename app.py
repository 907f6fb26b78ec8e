"""Synthesize the two stacks of an application in one environment: `cdk synth -c environment=dev -c app=service`."""

import aws_cdk as cdk

from infra.context import Deployment
from infra.observability_stack import ObservabilityStack
from infra.service_stack import ServiceStack
from infra.synth import synthesize


def build(app: cdk.App) -> tuple[ObservabilityStack, ServiceStack]:
    """Add the stacks that the app's context chooses. Raises `ContextError` for a malformed context value."""
    return add_stacks(app, Deployment.from_context(app.node))


def add_stacks(app: cdk.App, deployment: Deployment) -> tuple[ObservabilityStack, ServiceStack]:
    """Add the stacks of a deployment."""
    names = deployment.names
    observability = ObservabilityStack(app, names.observability_stack, environment=deployment.environment, names=names)
    service = ServiceStack(
        app,
        names.service_stack,
        deployment=deployment,
        log_group=observability.log_group,
        secrets=observability.secrets,
        topic=observability.topic,
        encryption_key=observability.encryption_key,
    )
    return observability, service


if __name__ == "__main__":
    synthesize(build)
