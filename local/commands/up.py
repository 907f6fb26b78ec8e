"""Bring everything up, or up to date, and prove it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from local.backing_services import emulator, fakes
from local.deploy import cdk, docker_engine, fake_keys, prerequisites
from local.deploy.fingerprint import fingerprint
from local.deploy.image import choose
from local.service import rollout
from local.smoke_test.run import balancer_host, prove
from local.workspace.folders import CHECKOUT
from local.workspace.lock import exclusive
from local.workspace.session import Desk
from local.workspace.state import State

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
    prerequisites.check()
    desk.folders.make()
    with exclusive(desk.folders.lock_file), undone_on_failure(desk):
        desk.state = State.load(desk.folders.state_file)
        host = _bring_up(desk)
    _conclude(desk, host, time.monotonic() - started)


def _bring_up(desk: Desk) -> str:
    code = fingerprint(CHECKOUT / "service")
    no_engine = docker_engine.why_no_engine(desk.environ)
    aws = emulator.ensure(desk)
    cdk.bootstrap(desk, aws)
    image = choose(code, no_engine or docker_engine.why_no_push(desk.environ, aws.registry))
    cdk.deploy(desk, aws, image)
    fake_keys.ensure(desk, aws)
    ports = fakes.ensure(desk, aws)
    rollout.ensure(desk, aws, ports, code)
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
