"""Start the stand-ins, or go on with those that run."""

from __future__ import annotations

import sys
from typing import Final

from local.aws import REGION, EmulatedAws
from local.desk import Desk
from local.embedded_aws import answers
from local.ports import LOOPBACK, free_port
from local.state import StandInPorts

ROLE: Final = "stand-ins"
READY_SECONDS: Final = 30.0


def ensure(desk: Desk, aws: EmulatedAws) -> StandInPorts:
    """Return where the stand-ins listen."""
    if desk.running(ROLE) and desk.state.stand_ins is not None:
        return desk.state.stand_ins
    ports = StandInPorts(honeycomb=free_port(), rollbar=free_port(), daemon=free_port())
    desk.state.stand_ins = ports
    with desk.report.step("Start the stand-ins for Honeycomb, Rollbar and the X-Ray daemon") as step:
        record = desk.start(ROLE, _command(aws, ports), aws.variables)
        desk.supervisor.wait_until(
            lambda: answers(f"http://{LOOPBACK}:{ports.daemon}/daemon"),
            record,
            seconds=READY_SECONDS,
            what="The stand-ins' process",
        )
        step.note = f"ports {ports.honeycomb}, {ports.rollbar}, {ports.daemon}"
    return ports


def _command(aws: EmulatedAws, ports: StandInPorts) -> list[str]:
    chosen = {
        "--endpoint": aws.endpoint,
        "--region": REGION,
        "--honeycomb-port": str(ports.honeycomb),
        "--rollbar-port": str(ports.rollbar),
        "--daemon-port": str(ports.daemon),
    }
    return [sys.executable, "-m", "local.fakes", *(part for pair in chosen.items() for part in pair)]
