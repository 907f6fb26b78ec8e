"""An emulator that enforces IAM, and its administrator."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import boto3
from botocore.config import Config

from tests.local.emulator.conftest import Client, running_emulator
from tests.permissions import signed_calls
from tests.permissions.deployed import calls_document
from tests.permissions.table import Call

REGION: Final = "us-east-1"
KEY: Final = "AKIAADMINISTRATOR000"
Credentials = dict[str, str]
"""AccessKeyId, SecretAccessKey and Token, as a task gets them."""


@dataclass(frozen=True)
class Enforcing:
    """An emulator that enforces IAM."""

    endpoint: str
    key: str
    secret: str = field(repr=False)

    def client(self, service: str, key: str = "", secret: str = "", token: str | None = None) -> Client:
        # For a presigned URL boto3 would take version 2, which no new bucket accepts.
        version = "s3v4" if service == "s3" else None
        return boto3.Session(region_name=REGION).client(
            service,  # type: ignore[call-overload] # the stubs want one literal name each
            endpoint_url=self.endpoint,
            aws_access_key_id=key or self.key,
            aws_secret_access_key=secret or self.secret,
            aws_session_token=token,
            config=Config(
                retries={"total_max_attempts": 1},
                connect_timeout=2,
                read_timeout=60,
                proxies={},
                signature_version=version,
            ),
        )

    def answers(self, credentials: Credentials, calls: Iterable[Call]) -> Iterator[tuple[Call, int, str]]:
        """Yield the status and the body of the response to each call."""
        sent = [*calls]
        answers = signed_calls.send(calls_document(self.endpoint, REGION, sent, credentials))
        for call, (status, body) in zip(sent, answers, strict=True):
            yield call, status, body

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment of a process that calls the emulator as its administrator."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


@contextmanager
def enforcing_emulator(*options: str) -> Iterator[Enforcing]:
    """Run one for the time of the context."""
    secret = secrets.token_urlsafe(32)
    credentials = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": secret}
    with running_emulator("--push-here", "--enforce-iam", *options, environment=credentials) as endpoint:
        yield Enforcing(endpoint, KEY, secret)
