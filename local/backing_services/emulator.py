"""Start the embedded AWS, or go on with the one that runs."""

from __future__ import annotations

import sys
from typing import Final

import requests

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.errors import LocalError
from local.workspace.ports import PORT_VARIABLE, fixed_gateway_port, gateway_port
from local.workspace.session import Desk

ROLE: Final = "emulator"
READY_PATH: Final = "/_ministack/health"
READY_SECONDS: Final = 60.0
ASK_SECONDS: Final = 2


def ensure(desk: Desk) -> EmulatedAws:
    """Return the running emulator; a new one knows nothing, so what depended on a lost one is stopped first."""
    state = desk.state
    if desk.running(ROLE) and state.gateway_port is not None:
        _check_port(desk, state.gateway_port)
        return EmulatedAws(state.gateway_port)
    desk.stop(list(state.processes))
    port = gateway_port(desk.environ)
    state.gateway_port, state.bootstrapped, state.service, state.outputs = port, False, None, {}
    return _start(desk, EmulatedAws(port))


def _start(desk: Desk, aws: EmulatedAws) -> EmulatedAws:
    # Always: a Docker engine that is started later would else be sent to push to AWS's own registry.
    command = [sys.executable, "-m", "local.emulator", "--port", str(aws.port), "--push-here"]
    with desk.report.step("Start the embedded AWS (an emulator, not AWS)") as step:
        record = desk.start(ROLE, command, {})
        desk.supervisor.wait_until(
            lambda: answers(aws.endpoint + READY_PATH), record, seconds=READY_SECONDS, what="The emulator"
        )
        step.note = aws.endpoint
    return aws


def answers(url: str) -> bool:
    """Tell whether a GET of `url`, past any proxy of this machine, gives 200."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=ASK_SECONDS).ok
        except requests.RequestException:
            return False


def _check_port(desk: Desk, running: int) -> None:
    fixed = fixed_gateway_port(desk.environ)
    if fixed not in (None, running):
        raise LocalError(
            f"{PORT_VARIABLE}={fixed}, but everything runs on port {running}", "Run make down first, then make up"
        )
