"""Read the secrets of a container definition, with the credentials of the task's execution role.

Source: "Pass sensitive data to an Amazon ECS container", Amazon ECS Developer Guide.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.containers.errors import RETRIEVAL_FAILED, TaskStartError
from local.containers.launch import RoleError
from local.containers.roles import ExecutionRole, cause

ARN_FIELDS: Final = 7
"""Of a secret's ARN, which a JSON key, a version stage and a version id may follow, each of them empty."""


def read_secrets(sources: Iterable[str], role: ExecutionRole) -> dict[str, str]:
    """Return the value of each `valueFrom`. Raises `TaskStartError`."""
    return {source: _read(source, role) for source in sorted(set(sources))}


def _read(source: str, role: ExecutionRole) -> str:
    is_secret = source.startswith("arn:") and source.split(":")[2] == "secretsmanager"
    store = "asm" if is_secret else "ssm"
    try:
        return _secret(source, role) if is_secret else _parameter(source, role)
    except (ClientError, BotoCoreError, RoleError) as error:
        raise TaskStartError(
            f"{RETRIEVAL_FAILED}: unable to retrieve secret from {store}: service call has been retried 1 time(s): "
            f"failed to fetch secret {source}: {cause(error)}"
        ) from error


def _parameter(source: str, role: ExecutionRole) -> str:
    """Return the value of a parameter of Systems Manager, by its name or ARN."""
    name = source
    if source.startswith("arn:"):
        # `parameter/database/url` is the parameter /database/url, and `parameter/url` the parameter url.
        path = source.split(":", 5)[5].removeprefix("parameter/")
        name = f"/{path}" if "/" in path else path
    response = role.client("ssm").get_parameters(Names=[name], WithDecryption=True)
    if not response["Parameters"]:
        raise TaskStartError(f"{RETRIEVAL_FAILED}: unable to retrieve secrets from ssm: invalid parameters: {name}")
    return str(response["Parameters"][0]["Value"])


def _secret(source: str, role: ExecutionRole) -> str:
    fields = source.split(":")
    key, stage, version = (*fields[ARN_FIELDS:], "", "", "")[:3]
    options = {name: value for name, value in (("VersionStage", stage), ("VersionId", version)) if value}
    response = role.client("secretsmanager").get_secret_value(SecretId=":".join(fields[:ARN_FIELDS]), **options)
    text = str(response.get("SecretString", ""))
    return text if not key else _value_of(text, key, source)


def _value_of(text: str, key: str, source: str) -> str:
    document: Mapping[str, Any] | Any
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    # The error never quotes the text: it is a secret.
    if not isinstance(document, Mapping):
        raise TaskStartError(f"{RETRIEVAL_FAILED}: invalid JSON in the secret {source}")
    if key not in document:
        raise TaskStartError(
            f"{RETRIEVAL_FAILED}: retrieved secret from Secrets Manager did not contain json key {key}: {source}"
        )
    value = document[key]
    return value if isinstance(value, str) else json.dumps(value)
