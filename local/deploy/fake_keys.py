"""Fill in the emulated secrets with fake keys."""

from __future__ import annotations

from local.backing_services.emulated_aws import EmulatedAws
from local.workspace.session import Session
from operations.keys import fill, unfilled


def ensure(session: Session, aws: EmulatedAws) -> None:
    """Fill in the secrets that still hold the placeholder; keep keys that were set by hand."""
    names = session.names
    variables = unfilled(aws.secrets, names)
    if not variables:
        return
    with session.report.step("Fill in the emulated secrets with fake keys") as step:
        keys = {variable: fake_key(variable) for variable in variables}
        step.note = ", ".join(fill(aws.secrets, names, keys).names)


def fake_key(variable: str) -> str:
    """Return `local-fake-honeycomb-api-key` for `HONEYCOMB_API_KEY`."""
    return f"local-fake-{variable.lower().replace('_', '-')}"
