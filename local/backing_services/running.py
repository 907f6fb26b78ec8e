"""Say whether the local deployment is up: every command that reads it asks here, and answers in the same words."""

from __future__ import annotations

from typing import Final

from local.backing_services import emulator, fakes
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.lock import holder
from local.workspace.session import Session
from local.workspace.state import FakePorts
from operations.errors import OperatorError

START: Final = "Start with make up"


class NotRunningError(OperatorError):
    """The local deployment is not up, or a part of it has died."""


def running_aws(session: Session) -> EmulatedAws:
    """Return the emulator, which runs; it may still be starting. Raises `NotRunningError`."""
    aws = EmulatedAws.of(session.state)
    recorded = [each for each in session.state.processes if each.role == emulator.ROLE]
    if (aws is None or session.running(emulator.ROLE) is None) and (pid := holder(session.folders.lock_file)):
        raise NotRunningError(f"make up or make down is at work (process {pid})", "Wait until it ends")
    if aws is None or not recorded:
        raise NotRunningError("Nothing is running", START)
    if session.running(emulator.ROLE) is None:
        raise NotRunningError(
            f"The AWS emulator (process {recorded[-1].pid}) has died, and with it the telemetry that it had",
            f"Start again with make up; its last lines are in {session.folders.log(emulator.ROLE)}",
        )
    return aws


def running_deployment(session: Session) -> tuple[EmulatedAws, FakePorts]:
    """Return the emulator and the fakes' ports, which run and have the deployed stacks. Raises `NotRunningError`.

    The service itself may have died: what it has sent can still be read.
    """
    aws, ports = running_aws(session), session.state.fake_ports
    if ports is None or not session.state.outputs:
        raise NotRunningError("make up has not deployed anything yet", "Wait until it ends")
    if session.running(fakes.ROLE) is None:
        raise NotRunningError("The fakes of Honeycomb and Rollbar have died", "Start them again with make up")
    return aws, ports
