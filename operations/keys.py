"""Store the Honeycomb and Rollbar keys in Secrets Manager, and look them up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from operations.deployment import aws_session
from operations.errors import MissingKeyError, OperatorError
from service.contract import SECRET_PLACEHOLDER, SECRET_SOURCES, secret_name
from service.parsing import secret
from service.telemetry.config import Secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def fill(client: SecretsManagerClient, environment: str, keys: Mapping[str, str]) -> list[str]:
    """Store each variable's key in the environment's secret for it, and return the secrets' names.

    Raises botocore's `ClientError`.
    """
    names = []
    for variable, key in keys.items():
        name = secret_name(environment, SECRET_SOURCES[variable])
        client.put_secret_value(SecretId=name, SecretString=key)
        names.append(name)
    return names


def unfilled(client: SecretsManagerClient, environment: str) -> list[str]:
    """Return the variables whose secrets still hold the placeholder. Raises botocore's `ClientError`."""
    return [
        variable
        for variable, entry in SECRET_SOURCES.items()
        if client.get_secret_value(SecretId=secret_name(environment, entry))["SecretString"] == SECRET_PLACEHOLDER
    ]


def find_key(variable: str, environment: str, remedy: str) -> Secret[str]:
    """Return the key in the environment variable, else in `environment`'s secret for it.

    Raises `MissingKeyError` with `remedy` where neither is filled in, and `OperatorError` where the secret cannot be
    read or the value cannot be a key; neither shows the value.
    """
    source = variable
    key = os.environ.get(variable, "").strip()
    if not key:
        source = f"the secret {secret_name(environment, SECRET_SOURCES[variable])}"
        key = _stored_key(variable, environment, remedy)
    if key in {"", SECRET_PLACEHOLDER}:
        raise MissingKeyError(f"{variable} is not set, and {source} is not filled in", remedy)
    try:
        return secret(key)
    except ValueError as error:
        raise OperatorError(f"{source} holds no key", str(error).capitalize()) from error


def _stored_key(variable: str, environment: str, remedy: str) -> str:
    name = secret_name(environment, SECRET_SOURCES[variable])
    try:
        return aws_session().client("secretsmanager").get_secret_value(SecretId=name).get("SecretString", "").strip()
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == "ResourceNotFoundException":
            return ""
        # botocore's message may have several lines, and a full stop of its own.
        reason = " ".join(str(error).split()).rstrip(".")
        raise OperatorError(
            f"{variable} is not set, and the secret {name} cannot be read ({reason})",
            f"{remedy}, or use credentials of the account that holds the secret",
        ) from error
