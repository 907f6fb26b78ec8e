"""Run the fake alone, as the stand-in of the daemon's image: `python -m local.fakes.xray_daemon --local-mode`.

It takes the daemon's own options, and finds region, credentials and endpoint as any AWS SDK does: in a task from the
environment and the task's credentials endpoint.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from contextlib import closing
from typing import Final

from local.fakes.xray_daemon.receiver import listen

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
PORT: Final = 2000


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    _parser().parse_args()
    # Blocked before any thread starts, so that every thread inherits the mask and only sigwait receives the signal;
    # process 1 of a container would ignore it until then.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    receiver = listen(PORT)
    # With a small share of a CPU, these imports take seconds.
    import boto3  # noqa: PLC0415 - see above

    from local.fakes.xray_daemon.daemon import XRayDaemon  # noqa: PLC0415 - see above

    endpoint, region = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("AWS_REGION")
    session = boto3.Session(region_name=region)
    if not endpoint or not region or session.get_credentials() is None:
        sys.stderr.write("AWS_ENDPOINT_URL, AWS_REGION or credentials are missing: this daemon sends to an emulator\n")
        return 1
    with closing(XRayDaemon(port=PORT, endpoint=endpoint, session=session, receiver=receiver)):
        signal.sigwait(STOP_SIGNALS)
    return 0


def _parser() -> argparse.ArgumentParser:
    """Accept the options of the real daemon that the stacks and compose.yaml use, without effect."""
    parser = argparse.ArgumentParser(prog="xray", description=__doc__)
    parser.add_argument("-o", "--local-mode", action="store_true")
    parser.add_argument("-l", "--log-level")
    parser.add_argument("-m", "--buffer-memory", type=int)
    parser.add_argument("-b", "--bind")
    parser.add_argument("-t", "--bind-tcp")
    return parser


if __name__ == "__main__":
    sys.exit(main())
