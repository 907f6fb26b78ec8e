"""List every environment variable that differs from the deployed task definition on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from flask_onetrace.contract import ROLLBAR_API, Variable
from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.ports import LOOPBACK
from local.workspace.state import FakePorts


def env_overrides(
    aws: EmulatedAws, fakes: FakePorts, port: int, flask_app: str | None, trace_url: str
) -> dict[str, str]:
    """Return the variables to override for a process that runs on this machine instead of in a task.

    The fake credentials replace those of the task role; only the emulator accepts them.
    """
    return {
        **aws.variables,
        Variable.AWS_XRAY_DAEMON_ADDRESS: f"{LOOPBACK}:{fakes.daemon}",
        Variable.OTEL_EXPORTER_OTLP_ENDPOINT: f"http://{LOOPBACK}:{fakes.honeycomb}",
        Variable.ROLLBAR_ENDPOINT: f"http://{LOOPBACK}:{fakes.rollbar}{urlsplit(ROLLBAR_API).path}",
        Variable.TRACE_URL: trace_url,
        Variable.BIND_HOST: LOOPBACK,
        Variable.PORT: str(port),
        # That of `make up FLASK_APP=…` takes precedence over the description's, which is deployed.
        Variable.FLASK_APP: flask_app or "",
    }


NAMES: Final = frozenset(
    env_overrides(EmulatedAws(0), FakePorts(honeycomb=0, honeycomb_eu=0, rollbar=0, daemon=0), 0, None, "")
)
"""The variables that no application can set on this machine: with another address its process could reach AWS, or be
reached from outside."""


def differences(deployed: Mapping[str, str], overrides: Mapping[str, str]) -> list[str]:
    """Return one line for each variable that the overrides change or add."""
    return [
        f"{name}={value}" + (f" (deployed: {deployed[name]})" if name in deployed else " (added)")
        for name, value in overrides.items()
        if deployed.get(name) != value
    ]
