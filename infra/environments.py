"""Say in values what differs between environments; no construct asks which one it is in."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What an environment keeps instead of the rates in `aws/json/xray.json`.

    `reservoir_size` is requests per second kept before `fixed_rate` (0 to 1) applies to the rest.
    """

    fixed_rate: float
    reservoir_size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """All that one environment decides.

    `cpu` is in CPU units (1024 is one vCPU) and `memory` in MiB, a pair that Fargate offers ("Fargate
    task definition differences", Amazon ECS Developer Guide). No NAT gateway means tasks in public subnets.
    """

    name: str

    desired_tasks: int | None
    """None leaves the count to autoscaling, so that a deployment under load never scales in."""
    minimum_tasks: int
    maximum_tasks: int
    cpu: int
    memory: int
    workers: int
    threads: int
    nat_gateways: int
    container_insights: bool

    log_retention: RetentionDays
    removal_policy: RemovalPolicy
    sampling: Sampling | None
    fault_routes: bool
    honeycomb_keeps_everything: bool
    """Whether Honeycomb gets every request though X-Ray follows the rule."""
    alb_authenticates: bool
    """Whether the listener authenticates users, so that the service may trust the load balancer's OIDC header."""
    trust_user_header: bool
    """Whether a caller may name its user by itself, as the page's user switch does: never in production."""
    xray_url: str | None
    """Name segments after the host where it matches this pattern, for example `*4567-workspace.example.com*`."""

    certificate_arn: str | None
    alarm_email: str | None
    """Who is told of alarms, besides whoever subscribes to the topic."""
    honeycomb_board: str | None
    rollbar_items: str | None
    """Where the dashboard's links lead: the team's own board, which `make honeycomb` prints, and project."""


EVERYTHING: Final = Sampling(fixed_rate=1.0, reservoir_size=5)

LOCAL: Final = Environment(
    name="local",
    desired_tasks=1,
    minimum_tasks=1,
    maximum_tasks=2,
    cpu=256,
    memory=512,
    workers=1,
    threads=8,
    nat_gateways=0,
    container_insights=False,
    log_retention=RetentionDays.ONE_DAY,
    removal_policy=RemovalPolicy.DESTROY,
    sampling=EVERYTHING,
    fault_routes=True,
    honeycomb_keeps_everything=False,
    alb_authenticates=False,
    trust_user_header=True,
    xray_url=None,
    certificate_arn=None,
    alarm_email=None,
    honeycomb_board=None,
    rollbar_items=None,
)

DEV: Final = Environment(
    name="dev",
    desired_tasks=1,
    minimum_tasks=1,
    maximum_tasks=2,
    cpu=256,
    memory=512,
    workers=1,
    threads=8,
    nat_gateways=0,
    container_insights=False,
    log_retention=RetentionDays.ONE_WEEK,
    removal_policy=RemovalPolicy.DESTROY,
    sampling=EVERYTHING,
    fault_routes=True,
    honeycomb_keeps_everything=False,
    alb_authenticates=False,
    trust_user_header=True,
    xray_url=None,
    certificate_arn=None,
    alarm_email=None,
    honeycomb_board=None,
    rollbar_items=None,
)

PROD: Final = Environment(
    name="prod",
    desired_tasks=None,
    minimum_tasks=2,
    maximum_tasks=6,
    cpu=512,
    memory=1024,
    workers=2,
    threads=8,
    nat_gateways=1,
    container_insights=True,
    log_retention=RetentionDays.ONE_YEAR,
    removal_policy=RemovalPolicy.RETAIN,
    sampling=None,
    fault_routes=False,
    honeycomb_keeps_everything=False,
    alb_authenticates=False,
    trust_user_header=False,
    xray_url=None,
    certificate_arn=None,
    alarm_email=None,
    honeycomb_board=None,
    rollbar_items=None,
)

ENVIRONMENTS: Final = {each.name: each for each in (LOCAL, DEV, PROD)}
DEFAULT: Final = DEV
