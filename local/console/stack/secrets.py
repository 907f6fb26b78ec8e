"""Which secrets are filled in: no value leaves this module, only what its comparison with known texts tells."""

from __future__ import annotations

from botocore.exceptions import ClientError

from flask_onetrace.contract import SECRET_PLACEHOLDER
from local.console.stack.source import StackSource, readable, timestamp
from local.deploy.fake_keys import fake_key
from operations.traces.deployment import Deployment
from operations.traces.document import Json

NOT_FOUND = "ResourceNotFoundException"


def secrets(source: StackSource) -> Json:
    """Return each secret's name, the variable that ECS fills from it, and its state."""
    deployment = source.deployment()
    with readable(source, "Secrets Manager"):
        return {"secrets": [_secret(deployment, *pair) for pair in deployment.names.secrets.items()]}


def _secret(deployment: Deployment, variable: str, name: str) -> Json:
    described: Json = {"name": name, "variable": variable, "changed": None}
    try:
        entry = deployment.aws.secrets.describe_secret(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != NOT_FOUND:
            raise
        return described | {"state": "missing"}
    if entry.get("DeletedDate"):
        return described | {"state": "deleted"}
    return described | {"changed": timestamp(entry.get("LastChangedDate")), "state": _state(deployment, variable, name)}


def _state(deployment: Deployment, variable: str, name: str) -> str:
    """Return `set`, `fake` for this project's own fake key, `placeholder`, or `empty` for one without a value."""
    try:
        value = deployment.aws.secrets.get_secret_value(SecretId=name).get("SecretString", "")
    except ClientError as error:
        if error.response["Error"]["Code"] != NOT_FOUND:
            raise
        return "empty"
    if value == SECRET_PLACEHOLDER:
        return "placeholder"
    return "fake" if value == fake_key(variable) else "set" if value else "empty"
