"""What each choice of an environment costs: the difference of two estimates of stacks that are synthesized for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aws_cdk.aws_logs import RetentionDays

from infra.environments import SAMPLE_ALL, Environment
from infra.firewall import Firewall
from infra.telemetry import Sampling
from operations.cost.line_items import Estimate

_DIGITS: Final = re.compile(r"[\d,.]+")
"""Of a sentence that is the same but for its number."""
Pricer = Callable[[Environment], Estimate]


@dataclass(frozen=True, slots=True)
class Option:
    """A choice of infra/environments.py."""

    title: str
    setting: str
    """As it is written there."""
    path: Sequence[str]
    """The field of `Environment`, and that of the group which it is."""
    chosen: object = True
    without: object = False
    """The value of the field of an environment without the option."""
    consequence: str = ""
    """Of the choice that saves, as the end of a sentence."""
    is_saving: bool = True
    """Whether the other choice serves the same clients: not with private addresses."""

    def applied(self, environment: Environment, value: object) -> Environment:
        """Return the environment with `value` for the field."""
        group, *field = self.path
        fields: dict[str, Any] = {group: replace(getattr(environment, group), **{field[0]: value}) if field else value}
        return replace(environment, **fields)


@dataclass(frozen=True, slots=True)
class Addition:
    """What an option adds to an environment."""

    option: Option
    usd: float
    """US dollars a month; negative where it saves."""
    unknown: Sequence[str]
    """What is billed for it and not in the sum."""
    is_chosen: bool
    """Whether the environment has it."""

    @property
    def saving(self) -> float:
        """US dollars a month that the other choice saves; negative where it costs more."""
        return self.usd if self.is_chosen else -self.usd


_PUBLIC_TASKS: Final = "the tasks then have public addresses"
OPTIONS: Final = (
    Option(
        "NAT gateways, one for each of two zones",
        "Networking(nat_gateways=2)",
        ("network", "nat_gateways"),
        2,
        0,
        _PUBLIC_TASKS,
    ),
    Option(
        "one NAT gateway for all zones", "Networking(nat_gateways=1)", ("network", "nat_gateways"), 1, 0, _PUBLIC_TASKS
    ),
    Option("interface endpoints", "Networking(endpoints=True)", ("network", "endpoints")),
    Option("flow logs of rejected connections", "Networking(flow_logs=True)", ("network", "flow_logs")),
    Option(
        "a load balancer with private addresses",
        "Ingress(internal=True)",
        ("ingress", "internal"),
        is_saving=False,
    ),
    Option("access logs", "Ingress(access_logs=True)", ("ingress", "access_logs")),
    Option("a firewall, AWS WAF", "Ingress(firewall=Firewall())", ("ingress", "firewall"), Firewall(), None),
    Option("Container Insights", "Tasks(container_insights=True)", ("tasks", "container_insights")),
    Option("Graviton", "Tasks(arm64=True)", ("tasks", "arm64"), consequence="the image is built for arm64"),
    Option(
        "Spot above the minimum",
        "Tasks(spot_percent=70)",
        ("tasks", "spot_percent"),
        70,
        0,
        "AWS can stop these tasks at two minutes' notice",
    ),
    Option("ECS Exec", "Tasks(ecs_exec=True)", ("tasks", "ecs_exec")),
    Option(
        "log retention of a year in place of a week",
        "Retention(application=RetentionDays.ONE_YEAR)",
        ("retention", "application"),
        RetentionDays.ONE_YEAR,
        RetentionDays.ONE_WEEK,
    ),
    Option(
        "a reservoir of 1 request a second in place of 5",
        "Telemetry(sampling=Sampling(fixed_rate=0.1, reservoir_size=1))",
        ("telemetry", "sampling"),
        Sampling(fixed_rate=0.1, reservoir_size=1),
        None,
    ),
    Option(
        "a fixed rate of 1 % in place of 10 %",
        "Telemetry(sampling=Sampling(fixed_rate=0.01, reservoir_size=5))",
        ("telemetry", "sampling"),
        Sampling(fixed_rate=0.01, reservoir_size=5),
        None,
    ),
    Option("all requests sampled", "Telemetry(sampling=SAMPLE_ALL)", ("telemetry", "sampling"), SAMPLE_ALL, None),
    Option("a KMS key of your own", "customer_key=True", ("customer_key",)),
)


def additions(environment: Environment, price: Pricer) -> Iterator[Addition]:
    """Yield what each option adds to the environment, as `price` estimates it.

    Both environments, the one with it and the one without, are synthesized.
    """
    for option in OPTIONS:
        chosen = option.applied(environment, option.chosen)
        with_it, without = price(chosen), price(option.applied(environment, option.without))
        known = {_DIGITS.sub("", each) for each in without.unknown}
        unknown = [each for each in with_it.unknown if _DIGITS.sub("", each) not in known]
        yield Addition(option, with_it.usd - without.usd, unknown, chosen == environment)
