"""Run the console in one process until SIGTERM: `python -m local.console --port 8123`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing
from typing import Final

from local.backing_services.running_deployment import RunningDeployment
from local.console import app
from local.console.source import Source
from local.workspace.folders import Folders
from local.workspace.report import Report

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description="Serve the console's page.")
    parser.add_argument("--port", type=int, default=0, help="0 means any free port")
    port = parser.parse_args().port
    # Blocked before any thread starts, so that every thread inherits the mask and only sigwait receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    source = Source(RunningDeployment(Folders.from_env(), os.environ, Report(sys.stdout)))
    try:
        server = app.serve(source, port)
    except OSError as error:
        sys.stderr.write(f"The console cannot listen on port {port}: {error}. Choose another --port.\n")
        return 1
    with closing(source), closing(server):
        sys.stdout.write(f"Console {server.url}\n")
        sys.stdout.flush()
        signal.sigwait(STOP_SIGNALS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
