"""Start the AWS emulator, or reuse the one that is running."""

from __future__ import annotations

import sys
from typing import Final

from local.backing_services import log_group
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.http_client import is_ready
from local.workspace.ports import PORT_VARIABLE, fixed_port, free_port, load_balancer_port
from local.workspace.session import Session
from operations.errors import OperatorError

ROLE: Final = "emulator"
READY_PATH: Final = "/_ministack/health"
READY_SECONDS: Final = 60.0


def ensure(session: Session) -> EmulatedAws:
    """Return the running emulator. A new one starts empty, so processes that depended on an earlier one are stopped."""
    state = session.state
    if session.running(ROLE) and state.gateway_port is not None and state.load_balancer_port is not None:
        _check_port(session, state.load_balancer_port)
        return EmulatedAws(state.gateway_port)
    session.stop(list(state.processes))
    state.load_balancer_port = load_balancer_port(session.environ)
    state.gateway_port = free_port()
    session.folders.log(log_group.ROLE).unlink(missing_ok=True)
    state.bootstrapped, state.stacks, state.service, state.outputs = False, "", None, {}
    return _start(session, EmulatedAws(state.gateway_port), state.load_balancer_port)


def _start(session: Session, aws: EmulatedAws, load_balancer_port: int) -> EmulatedAws:
    # Also without a Docker engine: one that is started later would otherwise push to AWS's own registry.
    command = [sys.executable, "-m", "local.emulator", "--port", str(aws.port), "--push-here"]
    command += ["--load-balancer-port", str(load_balancer_port)]
    command += ["--state-folder", str(session.folders.emulator)]
    with session.report.step("Start the AWS emulator") as step:
        record = session.start(ROLE, command, {})
        session.supervisor.wait_until(
            lambda: is_ready(aws.endpoint + READY_PATH), record, seconds=READY_SECONDS, what="The emulator"
        )
        step.note = aws.endpoint
    return aws


def _check_port(session: Session, running: int) -> None:
    fixed = fixed_port(session.environ)
    if fixed not in (None, running):
        raise OperatorError(
            f"{PORT_VARIABLE}={fixed}, but the load balancer is running on port {running}",
            "Run make down, then make up",
        )
