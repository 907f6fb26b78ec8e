"""Create clients of the emulator, isolated from the AWS settings of this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

import boto3
import botocore.session
from botocore.config import Config

from local.workspace.ports import LOOPBACK
from local.workspace.state import State

if TYPE_CHECKING:
    from botocore.config import _RetryDict
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_xray import XRayClient

REGION: Final = "us-east-1"
_CREATING: Final = Lock()
"""Creating a client is not thread-safe ("Session", boto3 documentation); telemetry is read in parallel."""
FAKE_KEY_ID: Final = "local-fake-key-id"
FAKE_KEY: Final = "local-fake-key"


@dataclass(frozen=True)
class EmulatedAws:
    """The AWS emulator, which serves every API on one port."""

    port: int
    secret_key: str = field(default=FAKE_KEY, repr=False)
    """The administrator's; any is accepted where the emulator enforces no IAM."""

    @classmethod
    def of(cls, state: State) -> EmulatedAws | None:
        """Return the emulator that the state records, None where it records none."""
        return None if state.gateway_port is None else cls(state.gateway_port, state.secret_key or FAKE_KEY)

    @property
    def endpoint(self) -> str:
        """Return the endpoint URL of all its services."""
        return f"http://{self.registry}"

    @property
    def registry(self) -> str:
        """Return the `host:port` of its image registry."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment variables that point an AWS SDK to the emulator, as its administrator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # boto3 reads this one alone
            **self.credentials,
        }

    @property
    def credentials(self) -> dict[str, str]:
        """Return the environment variables of the administrator's keys."""
        return {"AWS_ACCESS_KEY_ID": FAKE_KEY_ID, "AWS_SECRET_ACCESS_KEY": self.secret_key}

    def load_balancer_name(self, arn: str) -> str:
        """Return the host name that the emulator routes to the load balancer.

        The ARN ends in `loadbalancer/app/<name>/<id>` (Elastic Load Balancing, "Resource types").
        """
        return f"{arn.split('/')[-2]}.alb.localhost".lower()

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Return a client for the emulated CloudFormation."""
        with _CREATING:
            return self._session.client("cloudformation", endpoint_url=self.endpoint)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Return a client for the emulated CloudWatch."""
        with _CREATING:
            return self._session.client("cloudwatch", endpoint_url=self.endpoint)

    @cached_property
    def ecs(self) -> ECSClient:
        """Return a client for the emulated ECS."""
        with _CREATING:
            return self._session.client("ecs", endpoint_url=self.endpoint)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Return a client for the emulated Elastic Load Balancing."""
        with _CREATING:
            return self._session.client("elbv2", endpoint_url=self.endpoint)

    @cached_property
    def iam(self) -> IAMClient:
        """Return a client for the emulated IAM."""
        with _CREATING:
            return self._session.client("iam", endpoint_url=self.endpoint)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Return a client for the emulated CloudWatch Logs."""
        with _CREATING:
            return self._session.client("logs", endpoint_url=self.endpoint)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Return a client for the emulated Secrets Manager."""
        with _CREATING:
            return self._session.client("secretsmanager", endpoint_url=self.endpoint)

    @cached_property
    def xray(self) -> XRayClient:
        """Return a client for the emulated X-Ray."""
        with _CREATING:
            return self._session.client("xray", endpoint_url=self.endpoint)

    @cached_property
    def _session(self) -> boto3.Session:
        """Return a boto3 session that reads no profile, configuration file or proxy of this machine.

        Each client above sets the endpoint, which a session cannot, so that no request can reach AWS.
        """
        blank = {
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
        core = botocore.session.Session(session_vars=blank)
        retries: _RetryDict = {"mode": "standard", "total_max_attempts": 3}
        core.set_default_client_config(Config(connect_timeout=2, read_timeout=10, retries=retries, proxies={}))
        return boto3.Session(FAKE_KEY_ID, self.secret_key, region_name=REGION, botocore_session=core)
