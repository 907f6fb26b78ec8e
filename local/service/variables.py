"""Give the application its variables and secrets on this machine, as its description says."""

from __future__ import annotations

from collections.abc import Mapping

from flask_onetrace.contract import Variable
from infra.application import Application
from local.backing_services.emulated_aws import EmulatedAws
from local.deploy.cdk import ENVIRONMENT
from local.deploy.fake_keys import fake_key
from local.service.task import TaskSpec
from local.workspace.session import Session


def local_values(application: Application, services: Mapping[str, str]) -> dict[str, str]:
    """Return the values of `[local.variables]`, and of the services beside it where the description has none."""
    return {**services, **application.local.variables}


def store_secrets(session: Session, aws: EmulatedAws, values: Mapping[str, str]) -> None:
    """Store the application's own secrets in the emulated Secrets Manager; one without a value gets a fake one."""
    application = session.application
    if not application.secrets:
        return
    stored = [
        _store(aws, secret_id(application, entry), values.get(variable, fake_key(variable)))
        for variable, entry in application.secrets.items()
    ]
    fakes = [variable for variable in application.secrets if variable not in values]
    if any(stored):
        session.report.line(f"  Stored the secrets of {application.name}: {', '.join(application.secrets)}")
    if any(stored) and fakes:
        session.report.line(f"    with a fake value, because [local.variables] has none: {', '.join(fakes)}")


def secret_id(application: Application, entry: str) -> str:
    """Return the name of an entry, `local/<application>/<entry>`."""
    return f"{ENVIRONMENT}/{application.slug}/{entry}"


def overrides(application: Application, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are no secrets, which replace those of the task definition."""
    return {name: value for name, value in values.items() if name not in application.secrets}


def completed(spec: TaskSpec, application: Application) -> TaskSpec:
    """Return the container with the description's variables and secrets, where its task definition lacks them."""
    described = {
        Variable.FLASK_APP: application.flask_app or "",
        Variable.HEALTH_CHECK_PATH: application.health_check_path,
        **application.variables_in(ENVIRONMENT),
    }
    secrets = {variable: secret_id(application, entry) for variable, entry in application.secrets.items()}
    return TaskSpec(
        task_definition=spec.task_definition,
        environment={**described, **spec.environment},
        secrets={**secrets, **spec.secrets},
    )


def _store(aws: EmulatedAws, name: str, value: str) -> bool:
    """Store a value; return whether it was another one, or none."""
    client = aws.secrets
    try:
        if client.get_secret_value(SecretId=name)["SecretString"] == value:
            return False
        client.put_secret_value(SecretId=name, SecretString=value)
    except client.exceptions.ResourceNotFoundException:
        client.create_secret(Name=name, SecretString=value)
    return True
