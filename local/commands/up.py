"""Bring up the whole deployment, or update it, and run the smoke test."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flask_onetrace.contract import RUNTIME_PROBE_PATH, Output
from local.application import packages
from local.application.selection import (
    refuse_another,
    refuse_unnamed,
    relative_path,
    selected_application,
    to_state,
    update_command,
)
from local.application.untraced import untraced_libraries
from local.backing_services import console, emulator, fakes, log_group, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.deploy import cdk, docker_command, fake_keys, mode, prerequisites, sources
from local.deploy.docker_engine import Engine
from local.deploy.fingerprint import fingerprint
from local.deploy.image import Image, choose
from local.service import containers, revision, rollout, runner
from local.service.variables import local_values, refuse_reserved, store_secrets
from local.workspace.folders import CHECKOUT, STATE_VARIABLE
from local.workspace.interrupts import ignore_interrupts
from local.workspace.lock import exclusive
from local.workspace.session import Session
from local.workspace.state import State

PROCESS_DISCLAIMER: Final = (
    "Emulated on this machine, none of it is AWS: CloudFormation, ECS, the load balancer, X-Ray, CloudWatch Logs and",
    "Secrets Manager (one emulator); Honeycomb, Rollbar and the X-Ray daemon (fakes). The service is the real code,",
    "run as a process with the environment of the deployed task definition; no container image was run.",
)
CONTAINERS_DISCLAIMER: Final = (
    "Emulated on this machine, none of it is AWS: CloudFormation, ECS, IAM, the load balancer, CloudWatch, X-Ray and",
    "Secrets Manager (one emulator); Honeycomb and Rollbar (fakes). The containers of the deployed task definition are",
    "real, run by your Docker engine with their roles, limits, health checks, rolling updates and rollbacks.",
)


def up(session: Session) -> None:
    """Deploy into the emulator, run the deployed service and send the smoke test's requests.

    Raises `OperatorError`. On an error or Ctrl-C, the processes that this run started are stopped.
    """
    start = time.monotonic()
    session.selected = selected_application(session.environ)
    refuse_reserved(session.application)
    refuse_unnamed(session.application)
    packages.listed_packages(session.application)
    runner.ready_seconds(session.environ)
    session.folders.make()
    with exclusive(session.folders.lock_file), stop_started_on_failure(session):
        session.state = State.load(session.folders.state_file)
        if session.running(emulator.ROLE):
            refuse_another(session.state.application, session.application)
            if session.state.engine is not None:
                # That of what is up, whichever this shell selects.
                session.environ = docker_command.select(session.environ, session.state.engine)
        _bring_up(session)
        packages.delete_outdated(session)
    _conclude(session, time.monotonic() - start)


def _bring_up(session: Session) -> None:
    application = session.application
    code = fingerprint(CHECKOUT / "flask_onetrace", packages.RUNTIME, application.folder)
    chosen = mode.choose(session.environ)
    session.report.line(f"  Mode: {mode.describe(chosen)}")
    prerequisites.check_once(session)
    postgresql.check(application)
    engine = chosen if isinstance(chosen, Engine) else None
    aws = emulator.ensure(session, None if engine is None else engine.socket)
    session.state.application = to_state(application, session.environ)
    console.choose_port(session)  # the service's page links to it
    cdk.bootstrap(session, aws)
    image = choose(application, code, chosen)
    if engine is None:
        _run_process(session, aws, code, image)
    else:
        containers.ensure(session, aws, engine, code, image)
    console.ensure(session)


def _run_process(session: Session, aws: EmulatedAws, code: str, image: Image) -> None:
    application = session.application
    with rollout.rollback_on_failure(session, aws, session.state.outputs.get(Output.TASK_DEFINITION, "")):
        cdk.deploy(session, aws, image, sources.digest(application, ""))
    values = local_values(application, postgresql.ensure(session))
    store_secrets(session, aws, values)
    fake_keys.ensure(session, aws)
    ports = fakes.ensure(session, aws, daemon=True)
    task_definition = revision.register_revision(aws, session.state.outputs, image.version, image.name)
    rollout.ensure(session, aws, ports, rollout.Version(task_definition=task_definition, code=code, values=values))


def _conclude(session: Session, seconds: float) -> None:
    application, say = session.application, session.report.line
    request = application.smoke_test
    # A browser does not send the headers that the smoke test has, and the probe shows nothing of the application.
    path = "/" if request.headers or request.path == RUNTIME_PROBE_PATH else request.path
    say()
    for line in [] if session.state.engine else untraced_libraries(session):
        say(line)
    say(f"Up after {seconds:.1f} s: {rollout.load_balancer_url(session)}{path}")
    if session.state.console_port is not None:
        say(f"See each request in all four places: {console.url(session.state.console_port)}")
    if any(each.role == emulator.ROLE for each in session.started):  # not again after each edit
        for line in CONTAINERS_DISCLAIMER if session.state.engine else PROCESS_DISCLAIMER:
            say(line)
    folder = session.environ.get(STATE_VARIABLE)
    state = f" {STATE_VARIABLE}={shlex.quote(folder)}" if folder else ""
    each = f", each with{state}" if state else ""
    say(f"Next: make verify | make traces | make logs | make ask | make mcp | make status | make down{each},")
    update = update_command(to_state(application, session.environ)) + state
    say(f"or change {relative_path(application.folder)}/ and run {update} again.")


@contextmanager
def stop_started_on_failure(session: Session) -> Iterator[None]:
    """Stop the processes that this run started if it fails or is interrupted."""
    try:
        yield
    except BaseException:
        ignore_interrupts()
        emulators = [each for each in session.started if each.role == emulator.ROLE]
        stopped = []
        if session.state.engine is None:
            # The service first, which then flushes its last lines to the log group.
            stopped = session.stop([each for each in reversed(session.started) if each not in emulators])
        if emulators:
            log_group.keep(session)
        stopped += emulator.stop(session, list(reversed(session.started)))
        if stopped:
            session.report.line(f"  Stopped what this run started: {', '.join(each.role for each in stopped)}")
        raise
