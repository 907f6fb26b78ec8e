"""Connect to a deployed environment with the reader's own credentials and keys."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final

import boto3
import requests
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flask_onetrace.contract import CONFIGURATION_KEY_VARIABLE, ROLLBAR_API, Output, Variable
from flask_onetrace.masking import masked
from flask_onetrace.parsing import secret
from infra.application import dataset_slug
from infra.names import Names
from operations.deployment import NO_SUCH_STACK, aws_session, stack_outputs
from operations.errors import MissingKeyError, OperatorError, without_credentials
from operations.honeycomb import client as honeycomb
from operations.selection import selected_names
from operations.traces.deployment import Deployment
from operations.traces.places.honeycomb import HoneycombReader
from operations.traces.places.rollbar import TOKEN_VARIABLE, RollbarReader

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_xray import XRayClient

_CREATING: Final = Lock()
"""Creating a client is not thread-safe ("Session", boto3 documentation); the places are read in parallel."""
_CONFIG: Final = Config(connect_timeout=5, read_timeout=15, retries={"mode": "standard", "total_max_attempts": 3})


@dataclass(frozen=True)
class AccountClients:
    """Clients of the account and region of the reader's credentials; each is created when it is used first."""

    session: boto3.Session

    @cached_property
    def cloudformation(self) -> CloudFormationClient:
        """Return a client of CloudFormation."""
        with _CREATING:
            return self.session.client("cloudformation", config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """Return a client of CloudWatch."""
        with _CREATING:
            return self.session.client("cloudwatch", config=_CONFIG)

    @cached_property
    def ecs(self) -> ECSClient:
        """Return a client of Amazon ECS."""
        with _CREATING:
            return self.session.client("ecs", config=_CONFIG)

    @cached_property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Return a client of Elastic Load Balancing."""
        with _CREATING:
            return self.session.client("elbv2", config=_CONFIG)

    @cached_property
    def iam(self) -> IAMClient:
        """Return a client of IAM."""
        with _CREATING:
            return self.session.client("iam", config=_CONFIG)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        """Return a client of CloudWatch Logs."""
        with _CREATING:
            return self.session.client("logs", config=_CONFIG)

    @cached_property
    def secrets(self) -> SecretsManagerClient:
        """Return a client of Secrets Manager."""
        with _CREATING:
            return self.session.client("secretsmanager", config=_CONFIG)

    @cached_property
    def xray(self) -> XRayClient:
        """Return a client of X-Ray."""
        with _CREATING:
            return self.session.client("xray", config=_CONFIG)


def deployment_of(environment: str, session: boto3.Session | None = None) -> Deployment:
    """Return the deployed environment, with a reader of Honeycomb and of Rollbar where there is a key.

    HONEYCOMB_CONFIGURATION_KEY, in the environment or in its secret, reads Honeycomb, and ROLLBAR_READ_TOKEN Rollbar.
    Raises `OperatorError` where the environment is not deployed, or the credentials cannot read its stack.
    """
    session = session or aws_session()
    names = selected_names(environment)
    try:
        outputs = stack_outputs(session, names)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != NO_SUCH_STACK:
            raise _unreadable(environment, error) from error
        raise OperatorError(
            f"ENV={environment} is not deployed: there is no stack {names.service_stack}",
            f"Run make deploy ENV={environment}, or use credentials of its account and region",
        ) from error
    except BotoCoreError as error:
        raise _unreadable(environment, error) from error
    tutorial = Names(names.application, environment, tutorial=True)
    names = tutorial if outputs.get(Output.LOG_GROUP) == tutorial.log_group else names
    client = _honeycomb_client(names)
    return Deployment(
        names=names,
        region=session.region_name or "",
        url=outputs.get(Output.URL, ""),
        outputs=outputs,
        aws=AccountClients(session),
        honeycomb=None if client is None else HoneycombReader(client, dataset_slug(names.application.service_name)),
        honeycomb_key=None if client is None else client.key,
        honeycomb_urls={host: f"https://{host}" for host in honeycomb.REGIONS},
        rollbar=_rollbar_reader(),
    )


def _unreadable(environment: str, error: Exception) -> OperatorError:
    reason = " ".join(without_credentials(error).split()).rstrip(".")
    return OperatorError(
        f"The stack of ENV={environment} cannot be read ({reason})",
        "Use credentials of its account, with cloudformation:DescribeStacks, and set AWS_REGION",
    )


def _honeycomb_client(names: Names) -> honeycomb.HoneycombClient | None:
    """Return a client with the configuration key, None where there is none that these credentials can read."""
    try:
        return honeycomb.client_of(names, time.sleep)
    except OperatorError as error:
        if isinstance(error, MissingKeyError) or not os.environ.get(CONFIGURATION_KEY_VARIABLE, "").strip():
            return None
        raise


def _rollbar_reader() -> RollbarReader | None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if not token:
        return None
    try:
        key = secret(token)
    except ValueError as error:
        raise OperatorError(f"{TOKEN_VARIABLE} holds no token", str(error).capitalize()) from error
    url = os.environ.get(Variable.ROLLBAR_ENDPOINT, "").strip() or ROLLBAR_API
    if not honeycomb.SAFE_URL.fullmatch(url):
        raise OperatorError(
            f"{Variable.ROLLBAR_ENDPOINT} is {masked(url)}", "Set it to an https:// URL without user or query"
        )
    return RollbarReader(requests.Session(), f"{url.rstrip('/')}/", key)
