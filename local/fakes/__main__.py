"""Run the fakes in one process until SIGTERM: `python -m local.fakes --endpoint URL`.

Credentials and region come from the usual AWS environment variables, with placeholders as defaults.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack, closing
from typing import Final

import boto3

from local.fakes import honeycomb, rollbar
from local.fakes.server import LocalServer
from local.fakes.xray_daemon.daemon import XRayDaemon
from local.workspace.ports import free_port

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def parse_arguments() -> argparse.Namespace:
    """Parse the command line; port 0 means any free port."""
    parser = argparse.ArgumentParser(
        prog="python -m local.fakes", description="Run the fakes of Honeycomb, Rollbar and the X-Ray daemon."
    )
    parser.add_argument("--endpoint", default=os.environ.get("AWS_ENDPOINT_URL"), help="URL of the emulated X-Ray")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    parser.add_argument("--honeycomb-port", type=int, default=0)
    parser.add_argument("--honeycomb-eu-port", type=int, help="of Honeycomb's other region; none without it")
    parser.add_argument("--rollbar-port", type=int, default=0)
    parser.add_argument("--daemon-port", type=int, help="UDP for segments, TCP for sampling; no daemon without it")
    arguments = parser.parse_args()
    if not arguments.endpoint:
        parser.error("--endpoint or AWS_ENDPOINT_URL must name the emulated X-Ray, which receives the segments")
    return arguments


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    arguments = parse_arguments()
    # Blocked before any thread starts, so that every thread inherits the mask and only sigwait receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    with ExitStack() as stack:
        try:
            # First, so that all of them listen once the others respond.
            daemon = None if arguments.daemon_port is None else stack.enter_context(closing(_daemon(arguments)))
            if arguments.honeycomb_eu_port is not None:
                stack.enter_context(closing(LocalServer(honeycomb.create_app(), arguments.honeycomb_eu_port)))
            honeycomb_server = stack.enter_context(
                closing(LocalServer(honeycomb.create_app(), arguments.honeycomb_port))
            )
            rollbar_server = stack.enter_context(closing(LocalServer(rollbar.create_app(), arguments.rollbar_port)))
        except OSError as error:
            sys.stderr.write(f"A fake cannot listen: {error}. Choose other ports.\n")
            return 1
        sys.stdout.write(f"Honeycomb {honeycomb_server.url}\nRollbar {rollbar_server.url}\n")
        if daemon is not None:
            sys.stdout.write(f"X-Ray daemon {daemon.url}\n")
        sys.stdout.flush()
        signal.sigwait(STOP_SIGNALS)
    return 0


def _daemon(arguments: argparse.Namespace) -> XRayDaemon:
    session = boto3.Session(
        os.environ.get("AWS_ACCESS_KEY_ID", "local-fake-key"),
        os.environ.get("AWS_SECRET_ACCESS_KEY", "local-fake-secret"),
        region_name=arguments.region,
    )
    # Without a given port, one that is free for both UDP and TCP.
    return XRayDaemon(port=arguments.daemon_port or free_port(), endpoint=arguments.endpoint, session=session)


if __name__ == "__main__":
    sys.exit(main())
