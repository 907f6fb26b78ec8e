"""Start the fakes of Honeycomb, Rollbar and, for a process, the X-Ray daemon, or reuse those that are running."""

from __future__ import annotations

import sys
from typing import Final

from local.backing_services.emulated_aws import REGION, EmulatedAws
from local.workspace.http_client import is_ready
from local.workspace.ports import LOOPBACK, free_port
from local.workspace.session import Session
from local.workspace.state import FakePorts

ROLE: Final = "fakes"
READY_SECONDS: Final = 30.0


def ensure(session: Session, aws: EmulatedAws, *, daemon: bool) -> FakePorts:
    """Return the ports of the running fakes; tasks in containers have an X-Ray daemon of their own."""
    if session.running(ROLE) and session.state.fake_ports is not None:
        return session.state.fake_ports
    honeycomb, honeycomb_eu, rollbar = (free_port() for _ in range(3))
    ports = FakePorts(
        honeycomb=honeycomb, honeycomb_eu=honeycomb_eu, rollbar=rollbar, daemon=free_port() if daemon else None
    )
    session.state.fake_ports = ports
    with session.report.step("Start the fakes") as step:
        record = session.start(ROLE, _command(aws, ports), aws.variables)
        session.supervisor.wait_until(
            lambda: is_ready(f"http://{LOOPBACK}:{ports.rollbar}/items"),
            record,
            seconds=READY_SECONDS,
            what="The process of the fakes",
        )
        step.note = str(ports)
    return ports


def _command(aws: EmulatedAws, ports: FakePorts) -> list[str]:
    options = {
        "--endpoint": aws.endpoint,
        "--region": REGION,
        "--honeycomb-port": str(ports.honeycomb),
        "--honeycomb-eu-port": str(ports.honeycomb_eu),
        "--rollbar-port": str(ports.rollbar),
    }
    if ports.daemon is not None:
        options["--daemon-port"] = str(ports.daemon)
    return [sys.executable, "-m", "local.fakes", *(part for pair in options.items() for part in pair)]
