"""List the newest requests of the local deployment."""

from __future__ import annotations

import argparse
import sys

from local.backing_services.deployment import local_deployment
from local.workspace.session import Session
from operations.traces.commands import list_requests
from operations.traces.options import List, options_of


def traces(session: Session, options: argparse.Namespace) -> int:
    """Print the requests and return the exit status. Raises `OperatorError` where nothing is up."""
    return list_requests(options_of(List, options), lambda: local_deployment(session), sys.stdout, sys.stderr)
