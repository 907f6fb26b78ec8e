"""Declare the environments as values: all that differs between them, so that no construct branches on their names."""

from dataclasses import dataclass, field, replace
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk.aws_logs import RetentionDays

from infra import environment_names
from infra.account import Account
from infra.cost_limit import CostLimit
from infra.fargate_service import Tasks
from infra.ingress import Ingress
from infra.logs import Retention
from infra.network import Networking
from infra.notifications import Notifications
from infra.telemetry import Sampling, Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The choices of one environment, in groups: each is described where its class is."""

    name: str
    tasks: Tasks
    network: Networking
    ingress: Ingress
    retention: Retention
    telemetry: Telemetry

    fault_routes: bool
    """Whether `/_onetrace/fault`, and routes of the application like it, fail on purpose."""
    trust_user_header: bool
    """Whether a caller may name its own user, as the page's user switch does: never in production."""
    protected: bool
    """Whether the load balancer and both stacks refuse to be deleted: `-c protected=no`, deployed first, allows it."""

    notifications: Notifications = field(default_factory=Notifications)
    account: Account = field(default_factory=Account)
    customer_key: bool = False
    """Whether the data at rest is encrypted with a KMS key of the account's own, $1.00 a month."""
    cost_limit: CostLimit | None = None
    """What `make synth COST=1` accepts, as CI runs it; None accepts any cost."""
    tutorial_names: bool = False
    """Whether the log group, X-Ray groups and rules have the tutorial's names, which one environment can have."""

    def __post_init__(self) -> None:
        self.ingress.check_network(self.network, self.name)


SAMPLE_ALL: Final = Sampling(fixed_rate=1.0, reservoir_size=5)

DEV: Final = Environment(
    name=environment_names.DEV,
    tasks=Tasks(cpu=256, memory=512, workers=1, minimum=1, maximum=2, desired=1),
    network=Networking(),
    ingress=Ingress(plain_http=True),
    retention=Retention(
        application=RetentionDays.ONE_WEEK, output=RetentionDays.ONE_WEEK, removal_policy=RemovalPolicy.DESTROY
    ),
    telemetry=Telemetry(sampling=SAMPLE_ALL, browser_relay=True),
    fault_routes=True,
    trust_user_header=True,
    protected=False,
    cost_limit=CostLimit(monthly=75, requests=1),
)

LOCAL: Final = replace(
    DEV,
    name=environment_names.LOCAL,
    tutorial_names=True,
    retention=replace(DEV.retention, application=RetentionDays.ONE_DAY, output=RetentionDays.ONE_DAY),
)

PROD: Final = Environment(
    name=environment_names.PROD,
    tasks=Tasks(cpu=512, memory=1024, workers=2, minimum=2, maximum=6, container_insights=True),
    network=Networking(nat_gateways=2, flow_logs=True),
    ingress=Ingress(access_logs=True),
    retention=Retention(
        application=RetentionDays.ONE_YEAR,
        output=RetentionDays.TWO_WEEKS,
        removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    ),
    telemetry=Telemetry(sampling=None, browser_relay=False),
    fault_routes=False,
    trust_user_header=False,
    protected=True,
    cost_limit=CostLimit(monthly=350, requests=20),
)

ENVIRONMENTS: Final = {environment.name: environment for environment in (LOCAL, DEV, PROD)}
DEFAULT: Final = DEV
