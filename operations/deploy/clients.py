"""Create the clients of the AWS APIs that explain a deploy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

Client = Any
"""A boto3 client: its responses are read as if any key could be missing, which the stubs rule out."""


@dataclass(frozen=True, slots=True)
class Clients:
    """One client per API, created up front: creating one is not thread-safe ("Session", boto3 documentation)."""

    cloudformation: Client
    cloudwatch: Client
    ecs: Client
    logs: Client
    secrets: Client


def connect(session: boto3.Session) -> Clients:
    """Return clients whose calls end within seconds. Raises botocore's `BotoCoreError`, without a region for one."""
    config = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})
    return Clients(
        cloudformation=session.client("cloudformation", config=config),
        cloudwatch=session.client("cloudwatch", config=config),
        ecs=session.client("ecs", config=config),
        logs=session.client("logs", config=config),
        secrets=session.client("secretsmanager", config=config),
    )
