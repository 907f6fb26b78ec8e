"""Put the sinks' keys into Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.contract import SECRET_OF, SECRET_PLACEHOLDER, Variable, secret_name

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def fill(client: SecretsManagerClient, environment: str, keys: Mapping[Variable, str]) -> list[str]:
    """Put each key into the environment's entry for it; returns the entries' names. Raises botocore's `ClientError`."""
    filled = []
    for variable, key in keys.items():
        name = secret_name(environment, SECRET_OF[variable])
        client.put_secret_value(SecretId=name, SecretString=key)
        filled.append(name)
    return filled


def unfilled(client: SecretsManagerClient, environment: str) -> list[Variable]:
    """Return the variables whose entries still hold the placeholder. Raises botocore's `ClientError`."""
    return [
        variable
        for variable, secret in SECRET_OF.items()
        if client.get_secret_value(SecretId=secret_name(environment, secret))["SecretString"] == SECRET_PLACEHOLDER
    ]
