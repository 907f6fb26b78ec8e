"""Declare the environments as values: all that differs between them, so that no construct branches on their names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from infra.authentication import Authentication
from infra.cors_origins import CorsOrigins
from infra.domain import Domain
from infra.names import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Rates that replace those of `aws/json/xray.json`.

    `reservoir_size` is requests per second sampled before `fixed_rate` (0 to 1) applies to the rest.
    """

    fixed_rate: float
    reservoir_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The choices of one environment.

    `cpu` is in CPU units (1024 is one vCPU) and `memory` in MiB, a pair that Fargate offers ("Fargate
    task definition differences", Amazon ECS Developer Guide). No NAT gateway means tasks in public subnets.
    """

    name: str
    tutorial_names: bool = False
    """Whether the log group, X-Ray groups and rules have the tutorial's names, which one environment can have."""

    desired_tasks: int | None
    """None leaves the count to autoscaling, so that a deployment under load never scales in."""
    minimum_tasks: int
    maximum_tasks: int
    cpu: int
    memory: int
    workers: int
    nat_gateways: int
    container_insights: bool

    plain_http: bool
    """Whether the service may be reached without TLS, where there is no `domain`."""
    log_retention: RetentionDays
    output_retention: RetentionDays
    """Of the containers' standard output and error: start-up and crash lines."""
    removal_policy: RemovalPolicy
    sampling: Sampling | None
    """None takes the rates of `aws/json/xray.json`."""
    fault_routes: bool
    trust_user_header: bool
    """Whether a caller may name its own user, as the page's user switch does: never in production."""

    xray_url: str | None = None
    """Name segments after the host where it matches this pattern, for example `*4567-workspace.example.com*`."""
    domain: Domain | None = None
    """None serves plain HTTP at the load balancer's own name, if `plain_http` allows it."""
    authentication: Authentication | None = None
    """Who authenticates users at the load balancer, which needs a `domain`; None lets everybody in."""
    cors: CorsOrigins | None = None
    """The other origins whose pages may call the service; None allows its own alone."""
    availability_zones: Sequence[str] | None = None
    """The zones to use, such as `("us-east-1a", "us-east-1b")`; None takes the first two. Fargate is not in all."""
    alarm_email: str | None = None
    """Address that alarms are sent to, besides the topic's other subscribers."""
    honeycomb_board: str | None = None
    rollbar_items: str | None = None
    """URLs that the dashboard links: the team's own board, which `make honeycomb` prints, and Rollbar project."""

    @property
    def names(self) -> Names:
        """The names of the environment's resources. Raises `ValueError` for a malformed `name`."""
        return Names(self.name, tutorial=self.tutorial_names)


EVERYTHING: Final = Sampling(fixed_rate=1.0, reservoir_size=5)

DEV: Final = Environment(
    name="dev",
    desired_tasks=1,
    minimum_tasks=1,
    maximum_tasks=2,
    cpu=256,
    memory=512,
    workers=1,
    nat_gateways=0,
    container_insights=False,
    plain_http=True,
    log_retention=RetentionDays.ONE_WEEK,
    output_retention=RetentionDays.ONE_WEEK,
    removal_policy=RemovalPolicy.DESTROY,
    sampling=EVERYTHING,
    fault_routes=True,
    trust_user_header=True,
)

LOCAL: Final = replace(
    DEV,
    name="local",
    tutorial_names=True,
    log_retention=RetentionDays.ONE_DAY,
    output_retention=RetentionDays.ONE_DAY,
)

PROD: Final = Environment(
    name="prod",
    desired_tasks=None,
    minimum_tasks=2,
    maximum_tasks=6,
    cpu=512,
    memory=1024,
    workers=2,
    nat_gateways=1,
    container_insights=True,
    plain_http=False,
    log_retention=RetentionDays.ONE_YEAR,
    output_retention=RetentionDays.TWO_WEEKS,
    removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    sampling=None,
    fault_routes=False,
    trust_user_header=False,
)

ENVIRONMENTS: Final = {environment.name: environment for environment in (LOCAL, DEV, PROD)}
DEFAULT: Final = DEV
