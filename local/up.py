"""Bring everything up, or up to date, and prove it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from local import backend, cdk, checks, embedded_aws, engine, keys, stand_ins
from local.desk import Desk
from local.fingerprint import fingerprint
from local.folders import CHECKOUT
from local.image import choose
from local.lock import exclusive
from local.showing import balancer_host, prove
from local.state import State

HONESTY: Final = (
    "Emulated on this machine, none of it is AWS: CloudFormation, ECS, the load balancer, X-Ray, CloudWatch Logs and",
    "Secrets Manager (one emulator); Honeycomb, Rollbar and the X-Ray daemon (stand-ins). The service is the real code",
    "run as a process, with the environment of the deployed task definition; no container image was run.",
)


def up(desk: Desk) -> None:
    """Deploy into the emulator, run the service as deployed, send requests, show where they are seen.

    Raises `LocalError`; what this run started is stopped then, and on Ctrl-C.
    """
    started = time.monotonic()
    checks.check()
    desk.folders.make()
    with exclusive(desk.folders.lock_file), undone_on_failure(desk):
        desk.state = State.load(desk.folders.state_file)
        host = _bring_up(desk)
    _conclude(desk, host, time.monotonic() - started)


def _bring_up(desk: Desk) -> str:
    code = fingerprint(CHECKOUT / "service")
    no_engine = engine.why_no_engine(desk.environ)
    aws = embedded_aws.ensure(desk)
    cdk.bootstrap(desk, aws)
    image = choose(code, no_engine or engine.why_no_push(desk.environ, aws.registry))
    cdk.deploy(desk, aws, image)
    keys.ensure(desk, aws)
    ports = stand_ins.ensure(desk, aws)
    backend.ensure(desk, aws, ports, code)
    prove(desk, aws, ports)
    return balancer_host(desk, aws)


def _conclude(desk: Desk, host: str, seconds: float) -> None:
    say = desk.report.line
    say()
    say(f"Up after {seconds:.0f} s: http://{host}/api/activities/home")
    for line in HONESTY:
        say(line)
    say("Next: make ask | make logs | make status | make down, or change service/ and make up again.")


@contextmanager
def undone_on_failure(desk: Desk) -> Iterator[None]:
    """Stop what this run started when it fails or is interrupted."""
    try:
        yield
    except BaseException:
        # A second Ctrl-C must not interrupt the stopping.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped = desk.stop(list(reversed(desk.started)))
        if stopped:
            desk.report.line(f"  Stopped what this run started: {', '.join(each.role for each in stopped)}")
        raise
