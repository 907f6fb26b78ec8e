"""Store the Honeycomb and Rollbar keys in Secrets Manager, and look them up."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import SECRET_PLACEHOLDER, SECRET_SOURCES, secret_name
from flask_onetrace.parsing import secret
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry.config import Secret
from operations.deployment import aws_session
from operations.errors import MissingKeyError, OperatorError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


def fill(client: SecretsManagerClient, environment: str, keys: Mapping[str, str]) -> list[str]:
    """Store each variable's key in the environment's secret for it, and return the secrets' names.

    Raises `OperatorError`, before anything is stored, where one cannot be a key, and botocore's `ClientError`.
    """
    check(keys)
    names = []
    for variable, key in keys.items():
        name = secret_name(environment, SECRET_SOURCES[variable])
        client.put_secret_value(SecretId=name, SecretString=key)
        names.append(name)
    return names


def check(keys: Mapping[str, str]) -> None:
    """Raise `OperatorError` where the service would reject one of the keys at its start, with the service's message.

    No message shows a value.
    """
    problems = [f"{variable}: {problem}" for variable, key in keys.items() if (problem := _problem(variable, key))]
    if problems:
        raise OperatorError("\n".join(problems), "Nothing was stored")


def _problem(variable: str, key: str) -> str | None:
    if not key.strip():
        return "the value is empty: paste the key"
    if key == SECRET_PLACEHOLDER:
        return f"the value is the placeholder {SECRET_PLACEHOLDER!r}: paste the key"
    if other := next((name for name in SECRET_SOURCES if key.startswith(f"{name}=")), None):
        return f"the value (not shown) begins with `{other}=`: give each variable its own key"
    try:
        _parser_of(variable)(key)
    except ValueError as error:
        return str(error)
    return None


def _parser_of(variable: str) -> Callable[[str], Any]:
    """Return the parser of the service's setting; the configuration key, which is none, is as those are."""
    parsers = {each.metadata.get("variable"): each.metadata.get("parse") for each in fields(Settings)}
    return parsers.get(variable) or secret


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
