"""Fill in the emulated secrets with keys that are obviously fake."""

from __future__ import annotations

from typing import Final

from local.backing_services.emulated_aws import EmulatedAws
from local.deploy.cdk import ENVIRONMENT
from local.workspace.session import Desk
from operations.keys import fill, unfilled
from service.contract import CONFIGURATION_KEY_VARIABLE, Variable

FAKE_KEYS: Final[dict[str, str]] = {
    Variable.HONEYCOMB_API_KEY: "local-fake-honeycomb-key",
    Variable.ROLLBAR_ACCESS_TOKEN: "local-fake-rollbar-token",
    CONFIGURATION_KEY_VARIABLE: "local-fake-honeycomb-configuration-key",
}


def ensure(desk: Desk, aws: EmulatedAws) -> None:
    """Fill in the entries that still hold the placeholder; what a person put there stays."""
    client = aws.secrets
    empty = unfilled(client, ENVIRONMENT)
    if not empty:
        return
    with desk.report.step("Fill in the emulated secrets with fake keys") as step:
        step.note = ", ".join(fill(client, ENVIRONMENT, {variable: FAKE_KEYS[variable] for variable in empty}))
