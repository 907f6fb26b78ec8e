"""Put the sinks' keys into Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from service.contract import FILLED_FROM, SECRET_PLACEHOLDER, secret_name

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def fill(client: SecretsManagerClient, environment: str, keys: Mapping[str, str]) -> list[str]:
    """Put each key into the environment's entry for it; returns the entries' names. Raises botocore's `ClientError`."""
    filled = []
    for variable, key in keys.items():
        name = secret_name(environment, FILLED_FROM[variable])
        client.put_secret_value(SecretId=name, SecretString=key)
        filled.append(name)
    return filled


def unfilled(client: SecretsManagerClient, environment: str) -> list[str]:
    """Return the variables whose entries still hold the placeholder. Raises botocore's `ClientError`."""
    return [
        variable
        for variable, secret in FILLED_FROM.items()
        if client.get_secret_value(SecretId=secret_name(environment, secret))["SecretString"] == SECRET_PLACEHOLDER
    ]
