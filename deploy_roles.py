"""Synthesize the stack of the deploy roles: an app of its own, so that no deploy of app.py changes who may deploy."""

import sys

import aws_cdk as cdk

from infra.context import ContextError, DeployRolesContext
from infra.deploy_roles_stack import NAME, DeployRolesStack


def build(app: cdk.App) -> DeployRolesStack:
    """Add the stack. Raises `ContextError` for a missing or malformed context value."""
    return DeployRolesStack(app, NAME, context=DeployRolesContext.from_context(app.node))


def main() -> None:
    """Write the cloud assembly, or exit with one line about the malformed context value."""
    app = cdk.App()
    try:
        build(app)
    except ContextError as error:
        sys.exit(f"error: {error}")
    app.synth()


if __name__ == "__main__":
    main()
