"""Verify the running local deployment, by what a deployed environment would show too."""

from __future__ import annotations

import sys

from local.application.selection import deployed_application
from local.backing_services import console
from local.backing_services.deployment import local_deployment
from local.workspace.session import ENVIRONMENT, Session
from operations.errors import OperatorError
from operations.verification.options import Options, show_error, verify
from operations.verification.subject import Subject

WAIT_SECONDS = 15.0


def verify_local(session: Session, options: Options) -> int:
    """Print the outcome and return the exit status. Raises `OperatorError` where nothing is running."""
    try:
        subject = subject_of(session)
    except OperatorError as error:
        if options.json:
            show_error(error, sys.stdout)
        raise
    return verify(subject, options, sys.stdout)


def subject_of(session: Session) -> Subject:
    """Return the running deployment. Raises `OperatorError` where nothing is running."""
    deployment = local_deployment(session)
    application = deployed_application(session.state.application)
    return Subject(
        url=deployment.url,
        name=f"{application.name} {ENVIRONMENT}",
        application=application,
        environment=ENVIRONMENT,
        expected_environment=ENVIRONMENT,
        deployment=deployment,
        variables=application.local.variables,
        trace_url=console.trace_url(session),
    )
