"""Give the application its variables and secrets on this machine, as its description says."""

from __future__ import annotations

from collections.abc import Mapping

from infra.application import Application
from infra.application_file import FILE
from local.backing_services.emulated_aws import EmulatedAws
from local.deploy.fake_keys import fake_key
from local.service.env_overrides import NAMES
from local.workspace.session import Session
from operations.errors import OperatorError


def local_values(application: Application, services: Mapping[str, str]) -> dict[str, str]:
    """Return the values of `[local.variables]`, and of the services beside it where the description has none."""
    return {**services, **application.local.variables}


def refuse_reserved(application: Application) -> None:
    """Raise `OperatorError` if `[local.variables]` has a variable that `make up` sets."""
    if reserved := sorted(application.local.variables.keys() & NAMES):
        raise OperatorError(
            f"{application.folder / FILE}: [local.variables] has {', '.join(reserved)}, which make up sets itself",
            "Remove it there",
        )


def overrides(application: Application, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are no secrets, which replace those of the task definition."""
    return {name: value for name, value in values.items() if name not in application.secrets}


def store_secrets(session: Session, aws: EmulatedAws, values: Mapping[str, str]) -> None:
    """Store the application's own secrets in the emulated Secrets Manager; one without a value gets a fake one."""
    entries = session.names.own_secrets
    changed = [
        variable for variable, entry in entries.items() if _store(aws, entry, values.get(variable, fake_key(variable)))
    ]
    if changed:
        session.report.line(f"  Stored the secrets of {session.application.name}: {', '.join(changed)}")
    if fakes := [variable for variable in changed if variable not in values]:
        session.report.line(f"    with a fake value, because [local.variables] has none: {', '.join(fakes)}")


def _store(aws: EmulatedAws, entry: str, value: str) -> bool:
    """Store a value; return whether it was another one, or none."""
    client = aws.secrets
    try:
        if client.get_secret_value(SecretId=entry)["SecretString"] == value:
            return False
        client.put_secret_value(SecretId=entry, SecretString=value)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=entry, SecretString=value)
    return True
