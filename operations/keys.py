"""Store the sinks' keys and the application's own secrets in Secrets Manager, and look them up."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import SECRET_OF, SECRET_PLACEHOLDER, SECRET_SOURCES, Variable
from flask_onetrace.parsing import secret
from flask_onetrace.telemetry.config import Secret
from infra.application_variables import setting_problem
from infra.names import Names
from operations.deployment import aws_session
from operations.errors import MissingKeyError, OperatorError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_secretsmanager.type_defs import TagTypeDef


_MISSING: Final = "ResourceNotFoundException"
_OWNER: Final = "onetrace:application"
"""The tag of an application's own secret with the name of the application."""
_LONGEST: Final = 65_536
"""Bytes of a secret's value ("CreateSecret", AWS Secrets Manager API Reference)."""


class StoreResult(NamedTuple):
    """The names of the entries that hold their key now, and the variables whose entry the first deploy will create."""

    names: list[str]
    pending: list[str]


def fill(client: SecretsManagerClient, names: Names, keys: Mapping[str, str]) -> StoreResult:
    """Store each variable's key in its entry. An entry of the application's own is created where there is none.

    Raises `OperatorError`, before anything is stored, where one cannot be a key, and botocore's `ClientError`.
    """
    check(keys)
    result = StoreResult([], [])
    for variable, key in keys.items():
        name = names.secrets[variable]
        if variable in names.own_secrets:
            _store(client, name, key, variable=variable, application=names.application.name)
        elif not _put(client, name, key):
            result.pending.append(variable)
            continue
        result.names.append(name)
    return result


def _store(client: SecretsManagerClient, name: str, key: str, *, variable: str, application: str) -> None:
    """Store the value, in a new entry where there is none. One that is scheduled to be deleted is restored.

    Raises `OperatorError` for an entry of another application: the names of `Shop` and `shop` differ in no entry.
    """
    if (entry := _described(client, name)) is None:
        tags: list[TagTypeDef] = [{"Key": _OWNER, "Value": application}]
        description = f"{variable}, stored by `make secrets`"
        client.create_secret(Name=name, SecretString=key, Description=description, Tags=tags)
        return
    owner = next((each["Value"] for each in entry.get("Tags", []) if each["Key"] == _OWNER), application)
    if owner != application:
        raise OperatorError(
            f"{name} is a secret of the application {owner!r}, not of {application!r}",
            "Choose a name that differs in more than case (`name` in onetrace.toml)",
        )
    if entry.get("DeletedDate"):
        client.restore_secret(SecretId=name)
    client.put_secret_value(SecretId=name, SecretString=key)


def _put(client: SecretsManagerClient, name: str, key: str) -> bool:
    """Store the value in an entry that a stack creates, and return whether it exists."""
    try:
        client.put_secret_value(SecretId=name, SecretString=key)
    except ClientError as error:
        if error.response["Error"]["Code"] == _MISSING:
            return False
        raise
    return True


def missing(client: SecretsManagerClient, entries: Mapping[str, str]) -> dict[str, str]:
    """Return those of `entries`, names by variable, that a task could not read: absent, deleted, or without a value.

    Raises botocore's `ClientError`.
    """
    described = {variable: _described(client, name) for variable, name in entries.items()}
    return {
        variable: entries[variable]
        for variable, entry in described.items()
        if entry is None or entry.get("DeletedDate") or not entry.get("VersionIdsToStages")
    }


def _described(client: SecretsManagerClient, name: str) -> Mapping[str, Any] | None:
    try:
        return dict(client.describe_secret(SecretId=name))
    except ClientError as error:
        if error.response["Error"]["Code"] == _MISSING:
            return None
        raise


def check(keys: Mapping[str, str]) -> None:
    """Raise `OperatorError` where the service would reject one of the keys at its start, with the service's message.

    No message shows a value.
    """
    problems = [f"{variable}: {problem}" for variable, key in keys.items() if (problem := _problem(variable, key))]
    if problems:
        raise OperatorError("\n".join(problems), "Correct them and run make secrets again: nothing was stored")


def _problem(variable: str, key: str) -> str | None:
    if not key.strip():
        return "the value is empty: paste the key"
    if key == SECRET_PLACEHOLDER:
        return f"the value is the placeholder {SECRET_PLACEHOLDER!r}: paste the key"
    if variable not in SECRET_SOURCES:  # the application's own, which has any shape
        if key.startswith("-----BEGIN ") and "\n" not in key:
            return f'the value is the first line of a PEM file: export it whole, {variable}="$(cat key.pem)"'
        return None if len(key.encode()) <= _LONGEST else f"the value is longer than {_LONGEST} bytes"
    if other := next((name for name in SECRET_SOURCES if key.startswith(f"{name}=")), None):
        return f"the value (not shown) begins with `{other}=`: give each variable its own key"
    # The configuration key is no setting of the service, and is as those are.
    return setting_problem(variable if variable in SECRET_OF else Variable.HONEYCOMB_API_KEY, key)


def unfilled(client: SecretsManagerClient, names: Names) -> list[str]:
    """Return the variables of the sinks' keys that are still the placeholder. Raises botocore's `ClientError`."""
    return [
        variable
        for variable in SECRET_SOURCES
        if client.get_secret_value(SecretId=names.secrets[variable])["SecretString"] == SECRET_PLACEHOLDER
    ]


def find_key(variable: str, names: Names, remedy: str) -> Secret[str]:
    """Return the key in the environment variable, else in the secret for it.

    Raises `MissingKeyError` with `remedy` where neither is filled in, and `OperatorError` where the secret cannot be
    read or the value cannot be a key; neither shows the value.
    """
    source = variable
    key = os.environ.get(variable, "").strip()
    if not key:
        source = f"the secret {names.secrets[variable]}"
        key = _stored_key(variable, names.secrets[variable], remedy)
    if key in {"", SECRET_PLACEHOLDER}:
        raise MissingKeyError(f"{variable} is not set, and {source} is not filled in", remedy)
    try:
        return secret(key)
    except ValueError as error:
        raise OperatorError(f"{source} holds no key", str(error).capitalize()) from error


def _stored_key(variable: str, name: str, remedy: str) -> str:
    try:
        return aws_session().client("secretsmanager").get_secret_value(SecretId=name).get("SecretString", "").strip()
    except (BotoCoreError, ClientError) as error:
        if isinstance(error, ClientError) and error.response["Error"]["Code"] == _MISSING:
            return ""
        # botocore's message may have several lines, and a full stop of its own.
        reason = " ".join(str(error).split()).rstrip(".")
        raise OperatorError(
            f"{variable} is not set, and the secret {name} cannot be read ({reason})",
            f"{remedy}, or use credentials of the account that holds the secret",
        ) from error
