"""List, in one place, every variable that differs from what the deployed task definition says, and why it must."""

from __future__ import annotations

from collections.abc import Mapping

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.ports import LOOPBACK
from local.workspace.state import StandInPorts
from service.contract import Variable


def rewiring(aws: EmulatedAws, stand_ins: StandInPorts, port: int) -> dict[str, str]:
    """Return the variables of a process that runs on this machine instead of in a task.

    The credentials are what a task role's endpoint would give; they open nothing but the emulator.
    """
    return {
        **aws.variables,
        Variable.AWS_XRAY_DAEMON_ADDRESS: f"{LOOPBACK}:{stand_ins.daemon}",
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: f"http://{LOOPBACK}:{stand_ins.honeycomb}",
        Variable.ROLLBAR_ENDPOINT: f"http://{LOOPBACK}:{stand_ins.rollbar}/api/1/",
        Variable.BIND_HOST: LOOPBACK,
        Variable.PORT: str(port),
    }


def differences(said: Mapping[str, str], rewired: Mapping[str, str]) -> list[str]:
    """Return one line for each variable that the rewiring changes or adds."""
    return [
        f"{name}={value}" + (f" (deployed: {said[name]})" if name in said else " (added)")
        for name, value in rewired.items()
        if said.get(name) != value
    ]
