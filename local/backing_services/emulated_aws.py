"""Reach the emulator, and nothing but the emulator, whatever AWS settings this machine has."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
from botocore.config import Config

from local.workspace.ports import LOOPBACK

if TYPE_CHECKING:
    from botocore.config import _RetryDict
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_xray import XRayClient

REGION: Final = "us-east-1"
FAKE_KEY_ID: Final = "local-fake-key-id"
FAKE_KEY: Final = "local-fake-key"


@dataclass(frozen=True)
class EmulatedAws:
    """The embedded AWS on one port."""

    port: int

    @property
    def endpoint(self) -> str:
        """Return the one address of all its services."""
        return f"http://{self.registry}"

    @property
    def registry(self) -> str:
        """Return where images are pushed to, as their names begin."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """Return what a program needs in its environment to talk to the emulator, with keys that open nothing."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": FAKE_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": FAKE_KEY,
        }

    @cached_property
    def ecs(self) -> ECSClient:
        """Return a client of the emulated ECS."""
        return self._session.client("ecs", endpoint_url=self.endpoint)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Return a client of the emulated Elastic Load Balancing."""
        return self._session.client("elbv2", endpoint_url=self.endpoint)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Return a client of the emulated CloudWatch Logs."""
        return self._session.client("logs", endpoint_url=self.endpoint)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Return a client of the emulated Secrets Manager."""
        return self._session.client("secretsmanager", endpoint_url=self.endpoint)

    @cached_property
    def xray(self) -> XRayClient:
        """Return a client of the emulated X-Ray."""
        return self._session.client("xray", endpoint_url=self.endpoint)

    @cached_property
    def _session(self) -> boto3.Session:
        """Read no profile, no configuration file and no proxy of this machine.

        A session has no endpoint of its own: each client above names it, so that none can go to AWS.
        """
        blank = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
        core = botocore.session.Session(session_vars=blank)
        retries: _RetryDict = {"mode": "standard", "total_max_attempts": 3}
        core.set_default_client_config(Config(connect_timeout=2, read_timeout=10, retries=retries, proxies={}))
        return boto3.Session(FAKE_KEY_ID, FAKE_KEY, region_name=REGION, botocore_session=core)
