"""Synthesize the stack of the deploy roles: an app of its own, so that no deploy of app.py changes who may deploy."""

import aws_cdk as cdk

from infra.context import DeployRolesContext
from infra.deploy_roles_stack import DeployRolesStack
from infra.synth import synthesize


def build(app: cdk.App) -> DeployRolesStack:
    """Add the stack. Raises `ContextError` for a missing or malformed context value."""
    context = DeployRolesContext.from_context(app.node)
    return DeployRolesStack(app, f"{context.application.name}-DeployRoles", context=context)


if __name__ == "__main__":
    synthesize(build)
