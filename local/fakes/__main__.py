"""Run the three stand-ins in one process until SIGTERM: `python -m local.fakes --endpoint URL`.

The credentials and the region come from the usual AWS variables; without them, obviously fake ones.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import ExitStack, closing
from typing import Final

from botocore.credentials import Credentials

from local.fakes import honeycomb, rollbar
from local.fakes.server import Served
from local.fakes.xray_daemon import XRayDaemon

ENDING: Final = (signal.SIGTERM, signal.SIGINT)


def arguments() -> argparse.Namespace:
    """Return the command line; a port of 0 chooses a free one."""
    parser = argparse.ArgumentParser(prog="python -m local.fakes", description="Run the local stand-ins.")
    parser.add_argument("--endpoint", default=os.environ.get("AWS_ENDPOINT_URL"), help="where the emulated X-Ray is")
    parser.add_argument("--region", default=os.environ.get("AWS_REGION", "us-east-1"))
    parser.add_argument("--honeycomb-port", type=int, default=0)
    parser.add_argument("--rollbar-port", type=int, default=0)
    parser.add_argument("--daemon-port", type=int, default=2000, help="UDP for segments and TCP for sampling")
    chosen = parser.parse_args()
    if not chosen.endpoint:
        parser.error("--endpoint or AWS_ENDPOINT_URL must name the emulated X-Ray: segments go nowhere else")
    return chosen


def main() -> int:
    """Serve until SIGTERM or SIGINT; a port that is taken ends it with one line."""
    chosen = arguments()
    # Before any thread starts, so that all inherit it: the signal waits for the main thread to ask.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    with ExitStack() as running:
        try:
            traces = running.enter_context(closing(Served(honeycomb.create_app(), chosen.honeycomb_port)))
            items = running.enter_context(closing(Served(rollbar.create_app(), chosen.rollbar_port)))
            daemon = running.enter_context(closing(_daemon(chosen)))
        except OSError as error:
            sys.stderr.write(f"A stand-in cannot listen: {error}. Choose other ports.\n")
            return 1
        sys.stdout.write(f"Honeycomb {traces.url}\nRollbar {items.url}\nX-Ray daemon {daemon.url}\n")
        sys.stdout.flush()
        signal.sigwait(ENDING)
    return 0


def _daemon(chosen: argparse.Namespace) -> XRayDaemon:
    credentials = Credentials(
        os.environ.get("AWS_ACCESS_KEY_ID", "local-fake-key"),
        os.environ.get("AWS_SECRET_ACCESS_KEY", "local-fake-secret"),
    )
    return XRayDaemon(port=chosen.daemon_port, endpoint=chosen.endpoint, region=chosen.region, credentials=credentials)


if __name__ == "__main__":
    sys.exit(main())
