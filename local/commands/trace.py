"""Print one trace of the local deployment, or of a file."""

from __future__ import annotations

import argparse
import sys

from local.backing_services.deployment import local_deployment
from local.workspace.session import Session
from operations.traces.commands import show
from operations.traces.options import Show, options_of


def trace(session: Session, options: argparse.Namespace) -> int:
    """Print the trace and return the exit status. Raises `OperatorError`: nothing is up, or no place has the id."""
    return show(options_of(Show, options), lambda: local_deployment(session), sys.stdout)
