"""Run a CDK app as a command."""

import sys
from collections.abc import Callable

import aws_cdk as cdk

from infra.application import ApplicationError
from infra.context import ContextError


def synthesize(build: Callable[[cdk.App], object]) -> None:
    """Write the cloud assembly of what `build` adds, or exit with one line about a bad context value or description."""
    app = cdk.App()
    try:
        build(app)
    except (ContextError, ApplicationError) as error:
        sys.exit(f"error: {error}")
    app.synth()
