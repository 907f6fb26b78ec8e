"""Credentials of the task's roles, and clients of the emulator that use them."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import CredentialProvider, CredentialResolver, RefreshableCredentials
from botocore.exceptions import BotoCoreError, ClientError

from local.containers.errors import TaskStartError
from local.containers.launch import AssumeRole, Credentials, RoleError

if TYPE_CHECKING:
    from botocore.config import _RetryDict

RENEW_SECONDS: Final = 15 * 60
"""How long before their expiration credentials are renewed."""
NO_FILES: Final = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
"""Keep botocore from reading the profiles of this machine."""


class RoleCredentials:
    """Credentials of one role, renewed before they expire."""

    def __init__(self, assume_role: AssumeRole, role_arn: str, session_name: str) -> None:
        self.role_arn = role_arn
        self._assume_role = assume_role
        self._session_name = session_name
        self._current: Credentials | None = None
        self._lock = Lock()

    def current(self) -> Credentials:
        """Return valid credentials. Raises `RoleError`."""
        with self._lock:
            if self._current is None or self._current.expiration - time.time() < RENEW_SECONDS:
                self._current = self._assume_role(self.role_arn, self._session_name)
            return self._current


class ExecutionRole:
    """The clients that the agent uses on behalf of one task: with the task's execution role, if it has one."""

    def __init__(self, credentials: RoleCredentials | None, *, endpoint: str, region: str) -> None:
        self.endpoint = endpoint
        self._credentials = credentials
        self._region = region
        self._session: boto3.Session | None = None
        # Creating a client is not thread-safe ("Session reference", boto3).
        self._lock = Lock()

    def client(self, service: str) -> Any:  # noqa: ANN401 - each service has a type of its own
        """Return a client of the emulator. Raises `TaskStartError` where the role cannot be assumed."""
        with self._lock:
            if self._session is None:
                self._session = self._new_session()
            return self._session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload] # any service

    def _new_session(self) -> boto3.Session:
        if self._credentials is None:
            raise TaskStartError("ResourceInitializationError: the task definition has no execution role")
        try:
            self._credentials.current()
        except RoleError as error:
            raise TaskStartError(str(error)) from error
        core = botocore.session.Session(session_vars=NO_FILES)
        core.register_component("credential_provider", CredentialResolver([_Provider(self._credentials)]))
        retries: _RetryDict = {"mode": "standard", "total_max_attempts": 3}
        core.set_default_client_config(Config(connect_timeout=2, read_timeout=10, retries=retries, proxies={}))
        return boto3.Session(region_name=self._region, botocore_session=core)


class _Provider(CredentialProvider):
    METHOD = "ecs-execution-role"

    def __init__(self, credentials: RoleCredentials) -> None:
        super().__init__()
        self._role = credentials

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            metadata=self._fetch(), refresh_using=self._fetch, method=self.METHOD
        )

    def _fetch(self) -> dict[str, str]:
        current = self._role.current()
        return {
            "access_key": current.access_key_id,
            "secret_key": current.secret_access_key,
            "token": current.session_token,
            "expiry_time": timestamp(current.expiration),
        }


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as AWS writes a time, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cause(error: BotoCoreError | ClientError | RoleError) -> str:
    """Return an API's error as the messages of Amazon ECS have it, `Code: message`."""
    if not isinstance(error, ClientError):
        return str(error)
    details = error.response.get("Error", {})
    return f"{details.get('Code', 'Unknown')}: {details.get('Message', '')}"
