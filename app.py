"""Synthesize the two stacks of one environment: `cdk synth -c environment=dev`."""

import aws_cdk as cdk

from flask_onetrace.contract import observability_stack_name, service_stack_name
from infra.context import Deployment
from infra.observability_stack import ObservabilityStack
from infra.service_stack import ServiceStack
from infra.synth import synthesize


def build(app: cdk.App) -> tuple[ObservabilityStack, ServiceStack]:
    """Add the stacks of the environment in the app's context. Raises `ContextError` for a malformed context value."""
    deployment = Deployment.from_context(app.node)
    name = deployment.environment.name
    observability = ObservabilityStack(app, observability_stack_name(name), environment=deployment.environment)
    service = ServiceStack(
        app,
        service_stack_name(name),
        deployment=deployment,
        log_group=observability.log_group,
        secrets=observability.secrets,
        topic=observability.topic,
        encryption_key=observability.encryption_key,
    )
    return observability, service


if __name__ == "__main__":
    synthesize(build)
