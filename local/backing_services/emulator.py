"""Start the AWS emulator, or reuse the one that is running."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from flask_onetrace.contract import STOP_TIMEOUT_SECONDS
from local.backing_services import log_group
from local.backing_services.emulated_aws import FAKE_KEY, EmulatedAws
from local.workspace.http_client import is_ready
from local.workspace.ports import PORT_VARIABLE, fixed_port, free_port, load_balancer_port
from local.workspace.session import Session
from local.workspace.state import Record
from operations.errors import OperatorError

ROLE: Final = "emulator"
READY_PATH: Final = "/_ministack/health"
READY_SECONDS: Final = 60.0
TASKS_GRACE_SECONDS: Final = 2.0 * STOP_TIMEOUT_SECONDS + 30
"""For the containers of a task, one after the other, and what they then send."""
MINUTE_VARIABLE: Final = "LOCAL_METRIC_MINUTE"
"""The seconds of a minute of the alarms' periods: for tests, which cannot wait for minutes."""


def ensure(session: Session, engine: Path | None) -> EmulatedAws:
    """Return the running emulator. A new one starts empty, so processes that depended on an earlier one are stopped.

    With the socket of a Docker engine, it runs the tasks of ECS in containers and enforces IAM.
    """
    state = session.state
    running = EmulatedAws.of(state) if session.running(ROLE) else None
    if running is not None and state.load_balancer_port is not None:
        _check_port(session, state.load_balancer_port)
        _check_engine(state.engine, engine)
        return running
    # With the engine of the earlier one, which this one may not use.
    stop(session, list(state.processes))
    state.load_balancer_port = load_balancer_port(session.environ)
    state.gateway_port = free_port()
    session.folders.log(log_group.ROLE).unlink(missing_ok=True)
    state.bootstrapped, state.stacks, state.service, state.containers, state.outputs = False, "", None, None, {}
    state.engine, state.secret_key = (None, "") if engine is None else (str(engine), secrets.token_hex(20))
    aws = EmulatedAws(state.gateway_port, state.secret_key or FAKE_KEY)
    return _start(session, aws, state.load_balancer_port, engine)


def stop(session: Session, records: Sequence[Record]) -> list[Record]:
    """Stop processes in this order, and return those that were still running.

    The emulator that runs containers is stopped before all others: its tasks end with it, and send the others their
    last telemetry. What a killed one has left in the engine is removed.
    """
    if session.state.engine is None:
        return session.stop(records)
    emulators = [each for each in records if each.role == ROLE]
    stopped = session.stop(emulators, TASKS_GRACE_SECONDS)
    stopped += session.stop([each for each in records if each not in emulators])
    if session.running(ROLE) is None:
        _remove_leftovers(session, Path(session.state.engine))
    return stopped


def _remove_leftovers(session: Session, socket: Path) -> None:
    from local.containers import engine  # noqa: PLC0415 - a process is stopped without importing the client of an engine

    try:
        with closing(engine.connect(socket)) as client:
            removed = engine.remove_leftovers(client, engine.deployment_of(session.folders.emulator))
    except engine.ENGINE_ERRORS as error:
        session.report.line(f"  The Docker engine at {socket} does not respond, and may still run containers: {error}")
        return
    if removed:
        session.report.line(f"Removed {removed} containers, volumes and networks of an emulator that was killed")


def _start(session: Session, aws: EmulatedAws, load_balancer_port: int, engine: Path | None) -> EmulatedAws:
    # Also without a Docker engine: one that is started later would otherwise push to AWS's own registry.
    command = [sys.executable, "-m", "local.emulator", "--port", str(aws.port), "--push-here"]
    command += ["--load-balancer-port", str(load_balancer_port)]
    command += ["--state-folder", str(session.folders.emulator)]
    environment: dict[str, str] = {}
    if engine is not None:
        command += ["--engine", str(engine), "--agent-settings", str(session.folders.agent_settings), "--enforce-iam"]
        if minute := session.environ.get(MINUTE_VARIABLE):
            command += ["--metric-minute", minute]
        # The administrator's keys, and no configuration of this user's docker command.
        environment = {**aws.credentials, "DOCKER_CONFIG": str(session.folders.emulator / "docker")}
    with session.report.step("Start the AWS emulator") as step:
        record = session.start(ROLE, command, environment)
        session.supervisor.wait_until(
            lambda: is_ready(aws.endpoint + READY_PATH), record, seconds=READY_SECONDS, what="The emulator"
        )
        step.note = aws.endpoint
    return aws


def _check_engine(running: str | None, engine: Path | None) -> None:
    if running == (None if engine is None else str(engine)):
        return
    runs = "containers" if running else "a process"
    raise OperatorError(
        f"The service runs as {runs}, and this command would run it otherwise",
        f"Run make down first, or keep the mode: make up LOCAL_MODE={'containers' if running else 'process'}",
    )


def _check_port(session: Session, running: int) -> None:
    fixed = fixed_port(session.environ)
    if fixed not in (None, running):
        raise OperatorError(
            f"{PORT_VARIABLE}={fixed}, but the load balancer is running on port {running}",
            "Run make down, then make up",
        )
