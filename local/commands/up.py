"""Bring up the whole deployment, or update it, and run the smoke test."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask_onetrace.contract import Output
from local.backing_services import emulator, fakes
from local.deploy import cdk, docker_engine, fake_keys, prerequisites
from local.deploy.fingerprint import fingerprint
from local.deploy.image import choose
from local.service import rollout
from local.smoke_test.run import smoke_test
from local.workspace.folders import CHECKOUT
from local.workspace.lock import exclusive
from local.workspace.session import Session
from local.workspace.state import State
from operations.selection import selected_names

DISCLAIMER: Final = (
    "Emulated on this machine, none of it is AWS: CloudFormation, ECS, the load balancer, X-Ray, CloudWatch Logs and",
    "Secrets Manager (one emulator); Honeycomb, Rollbar and the X-Ray daemon (fakes). The service is the real code,",
    "run as a process with the environment of the deployed task definition; no container image was run.",
)


def up(session: Session) -> None:
    """Deploy into the emulator, run the deployed service and send the smoke test's requests.

    Raises `OperatorError`. On an error or Ctrl-C, the processes that this run started are stopped.
    """
    start = time.monotonic()
    prerequisites.check()
    session.folders.make()
    with exclusive(session.folders.lock_file), rolled_back_on_failure(session):
        session.state = State.load(session.folders.state_file)
        host = _bring_up(session)
    _conclude(session, host, time.monotonic() - start)


def _bring_up(session: Session) -> str:
    code = fingerprint(CHECKOUT / "flask_onetrace", CHECKOUT / "service")
    skip_reason = docker_engine.why_no_engine(session.environ)
    aws = emulator.ensure(session)
    cdk.bootstrap(session, aws)
    application = selected_names(cdk.ENVIRONMENT).application
    image = choose(application, code, skip_reason or docker_engine.why_no_push(session.environ, aws.registry))
    cdk.deploy(session, aws, image)
    fake_keys.ensure(session, aws)
    ports = fakes.ensure(session, aws)
    rollout.ensure(session, aws, ports, code)
    host = aws.load_balancer_host(session.state.outputs[Output.LOAD_BALANCER])
    smoke_test(session, aws, ports, host)
    return host


def _conclude(session: Session, host: str, seconds: float) -> None:
    say = session.report.line
    say()
    say(f"Up after {seconds:.0f} s: http://{host}/api/activities/home")
    for line in DISCLAIMER:
        say(line)
    say("Next: make ask | make logs | make status | make down, or change service/ and run make up again.")


@contextmanager
def rolled_back_on_failure(session: Session) -> Iterator[None]:
    """Stop the processes that this run started if it fails or is interrupted."""
    try:
        yield
    except BaseException:
        # A second Ctrl-C must not interrupt the cleanup.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stopped = session.stop(list(reversed(session.started)))
        if stopped:
            session.report.line(f"  Stopped what this run started: {', '.join(each.role for each in stopped)}")
        raise
