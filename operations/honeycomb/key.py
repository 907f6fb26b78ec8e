"""Find the configuration key of one environment: in the variable of its name, else in Secrets Manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from operations.honeycomb.errors import HoneycombError, NoKeyError
from service.contract import CONFIGURATION_KEY_VARIABLE, SECRET_PLACEHOLDER, SecretName, secret_name
from service.parsing import secret
from service.telemetry.config import Secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

VARIABLE: Final = CONFIGURATION_KEY_VARIABLE

PERMISSIONS: Final = "Manage Queries and Columns, Manage Public Boards, Manage Triggers, Manage Markers"
WANTED: Final = f"a configuration key with {PERMISSIONS} (in Honeycomb: environment settings, API keys)"
"""What kind of key it must be: the ingest key, which the service sends its spans with, may change nothing."""

Connect = Callable[[], "SecretsManagerClient"]


def find_key(environ: Mapping[str, str], environment: str, connect: Connect) -> Secret[str]:
    """Return the key; `connect` is called where `environ` holds none. Raises `HoneycombError`, never with the key."""
    if given := environ.get(VARIABLE, "").strip():
        return _checked(given, VARIABLE)
    name = secret_name(environment, SecretName.HONEYCOMB_CONFIGURATION_KEY)
    stored = _stored(name, connect)
    if stored in {"", SECRET_PLACEHOLDER}:
        raise NoKeyError(
            f"There is no configuration key: {VARIABLE} is not set, and the secret {name} is not filled in",
            f"Set {VARIABLE} to {WANTED}; the service's own key, HONEYCOMB_API_KEY, is an ingest key and does not do",
        )
    return _checked(stored, f"the secret {name}")


def _stored(name: str, connect: Connect) -> str:
    try:
        return connect().get_secret_value(SecretId=name).get("SecretString", "").strip()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return ""
        raise _unreachable(name, error) from error
    except BotoCoreError as error:
        raise _unreachable(name, error) from error


def _unreachable(name: str, error: Exception) -> HoneycombError:
    # The message may have several lines, and its own full stop.
    said = " ".join(str(error).split()).rstrip(".")
    return HoneycombError(
        f"{VARIABLE} is not set, and the secret {name} cannot be read ({said})",
        f"Set {VARIABLE} to {WANTED}, or use credentials of the account that holds the secret",
    )


def _checked(key: str, where: str) -> Secret[str]:
    try:
        return secret(key)
    except ValueError as error:
        raise HoneycombError(f"{where} holds no key", str(error).capitalize()) from error
