"""Serve the traces of the local deployment to coding agents, on standard input and output."""

from __future__ import annotations

import os
import sys
from typing import Final

from local.backing_services.running_deployment import RunningDeployment
from local.workspace.folders import STATE_VARIABLE, Folders
from local.workspace.report import Report
from operations.mcp.registration import registration
from operations.mcp.server import build

NAME: Final = "onetrace-local"


def mcp(folders: Folders, report: Report) -> None:
    """Serve until standard input ends; at a terminal, print how to register the server instead."""
    if not sys.stdin.isatty():
        build(NAME, RunningDeployment(folders, os.environ, report).deployment).run()
        return
    variables = {STATE_VARIABLE: str(folders.root)} if os.environ.get(STATE_VARIABLE) else {}
    report.line(registration(NAME, ["local", "mcp"], variables).rstrip("\n"))
