"""Describe a deployment whose telemetry can be read: the local one, or an environment of an AWS account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from flask_onetrace.telemetry.config import Secret
from infra.names import Names
from operations.traces.document import Json

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_xray import XRayClient


class AwsClients(Protocol):
    """Clients of one account and region. `local.backing_services.emulated_aws.EmulatedAws` is one."""

    @property
    def cloudformation(self) -> CloudFormationClient:
        """Return a client of CloudFormation."""
        ...

    @property
    def cloudwatch(self) -> CloudWatchClient:
        """Return a client of CloudWatch."""
        ...

    @property
    def ecs(self) -> ECSClient:
        """Return a client of Amazon ECS."""
        ...

    @property
    def elbv2(self) -> ElasticLoadBalancingv2Client:
        """Return a client of Elastic Load Balancing."""
        ...

    @property
    def iam(self) -> IAMClient:
        """Return a client of IAM."""
        ...

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Return a client of CloudWatch Logs."""
        ...

    @property
    def secrets(self) -> SecretsManagerClient:
        """Return a client of Secrets Manager."""
        ...

    @property
    def xray(self) -> XRayClient:
        """Return a client of X-Ray."""
        ...


class SpanReader(Protocol):
    """Honeycomb, or its fake. Each method raises `ReadError`."""

    def spans(self, trace_id: str) -> Sequence[Json]:
        """Return the spans of a trace, as `PlaceContent` describes them."""

    def newest_spans(self, limit: int) -> Sequence[Json]:
        """Return up to `limit` spans, newest first: root spans alone, where the product has many."""

    def url(self, trace_id: str) -> str | None:
        """Return the URL of the trace in the product, None where it has no page."""


class ItemReader(Protocol):
    """Rollbar, or its fake. Each method raises `ReadError`."""

    def items(self, trace_id: str) -> Sequence[Json]:
        """Return the items of a trace."""

    def newest_items(self, limit: int) -> Sequence[Json]:
        """Return up to `limit` items, newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment.

    `url` is where requests are sent: the load balancer's, or the domain's. `outputs` are those of the service stack.
    Without a key to read by, `honeycomb` or `rollbar` is None. `has_console` is whether the URLs of the AWS console
    and of Rollbar open it. `honeycomb_urls` is where the API of each of Honeycomb's regions is reached, by its host: at
    that host, or at a fake of it; `honeycomb_key` is the configuration key.
    """

    names: Names
    region: str
    url: str
    outputs: Mapping[str, str]
    aws: AwsClients = field(repr=False)
    has_console: bool = True
    honeycomb: SpanReader | None = field(default=None, repr=False)
    rollbar: ItemReader | None = field(default=None, repr=False)
    honeycomb_urls: Mapping[str, str] = field(default_factory=dict)
    honeycomb_key: Secret[str] | None = None
