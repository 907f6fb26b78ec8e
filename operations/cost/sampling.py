"""How many requests are sampled, by the sampling rules of the templates and the service's tail sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_onetrace.contract import TAIL_SAMPLING_PER_SECOND, Variable
from flask_onetrace.telemetry.sampling.rule import matches
from operations.cost.containers import Container
from operations.cost.context import Context
from operations.cost.intrinsics import is_open
from operations.cost.reading import Reader
from operations.cost.templates import Resource
from operations.cost.units import HOUR_SECONDS

_ANYTHING: Final = ("*", "", None)
_MATCHED: Final = ("URLPath", "Host", "HTTPMethod", "ServiceType", "ResourceARN")
_MOST: Final = 1e9
"""Of what a variable may say of a limit a second."""


@dataclass(frozen=True, slots=True)
class _Rule:
    resource: Resource | None
    """None is X-Ray's own."""
    name: str
    priority: float
    reservoir: float
    rate: float
    narrow: bool
    """Whether it takes some requests only, as those of a path, or another service's."""


_DEFAULT_RULE: Final = _Rule(None, "Default", 10_000, 1, 0.05, narrow=False)
"""X-Ray's own: the first request each second, and 5 % of the rest ("Configuring sampling rules", X-Ray Developer
Guide)."""


def sampled(context: Context) -> float:
    """Return the requests that are sampled a month: by the given share, else by the rules, and failures as well."""
    if context.traffic.sampled_share is not None:
        return context.requests * context.traffic.sampled_share
    return sampled_per_second(context) * context.hours * HOUR_SECONDS


def derivation(context: Context) -> str:
    """Return how the number of sampled requests is made."""
    share, requests = context.traffic.sampled_share, context.traffic.requests
    rate = requests * share if share is not None else sampled_per_second(context)
    return f"{rate:,.4g} of {requests:,.4g} requests/s x {context.hours:g} h"


def applied_rule(context: Context) -> Resource | None:
    """Return the sampling rule that takes the requests, None for X-Ray's own."""
    return _rule(context.reader, context.application).resource


def sampled_per_second(context: Context) -> float:
    """Return the requests a second that are sampled by the rules, and by the service where they fail."""
    container, traffic = context.application, context.traffic
    tasks = context.tasks(container.service) if container else 0.0
    return sampling_of(context.reader, container).per_second(traffic.requests, traffic.failed_share, tasks)


@dataclass(frozen=True, slots=True)
class Sampling:
    """What decides which requests of a service are sampled."""

    reservoir: float
    """Requests a second that the rule takes first."""
    rate: float
    """Share of the rest that it takes."""
    tail_per_task: float
    """Requests a second that a task keeps at most, of the failed ones that the rule leaves out."""

    def per_second(self, requests: float, failed_share: float, tasks: float) -> float:
        """Return how many of `requests` a second are sampled.

        A rule takes its reservoir each second first, then its fixed rate of the rest ("Configuring sampling rules",
        X-Ray Developer Guide). Of what it leaves out the service keeps what fails, and what is slow, of which none is
        assumed.
        """
        head = min(requests, self.reservoir) + max(0.0, requests - self.reservoir) * self.rate
        return head + min((requests - head) * failed_share, self.tail_per_task * tasks)


def sampling_of(reader: Reader, container: Container | None) -> Sampling:
    """Return how the requests of an application's container are sampled."""
    rule = _rule(reader, container)
    return Sampling(rule.reservoir, rule.rate, _tail_limit(container))


def _rule(reader: Reader, container: Container | None) -> _Rule:
    """Return the rule that takes the requests: of those that match any of the service's, the first by priority."""
    resources = reader.templates.of_type("AWS::XRay::SamplingRule")
    rules = sorted((_read(reader, container, each) for each in resources), key=lambda rule: rule.priority)
    found = next((rule for rule in rules if not rule.narrow), _DEFAULT_RULE)
    for rule in rules:
        if rule.narrow and rule.priority < found.priority:
            reader.notes.assume(f"No request matches the sampling rule {rule.name}, which is for some requests only.")
    reader.notes.assume(
        f"Requests come evenly. The sampling rule {found.name} takes {found.reservoir:g} a second and "
        f"{found.rate * 100:.4g} % of the rest; of what it leaves out, the failures are sampled too, and none is slow."
    )
    return found


def _read(reader: Reader, container: Container | None, resource: Resource) -> _Rule:
    properties: Any = resource.get("SamplingRule")
    if not isinstance(properties, Mapping):
        raise resource.error("SamplingRule", properties, "a mapping")
    number = reader.number
    return _Rule(
        resource,
        str(properties.get("RuleName", resource.logical_id)),
        number(resource, "SamplingRule", "Priority", default=_DEFAULT_RULE.priority),
        number(resource, "SamplingRule", "ReservoirSize", default=0),
        min(1.0, number(resource, "SamplingRule", "FixedRate", default=0)),
        any(properties.get(name) not in _ANYTHING for name in _MATCHED)
        or _is_of_another_service(container, properties)
        or bool(properties.get("Attributes")),
    )


def _is_of_another_service(container: Container | None, properties: Mapping[str, Any]) -> bool:
    name = container.variable(Variable.AWS_XRAY_TRACING_NAME) if container else ""
    pattern = str(properties.get("ServiceName") or "*")
    return not is_open(pattern) and not matches(pattern, name)


def _tail_limit(container: Container | None) -> float:
    """Return the requests a second that all processes of a task keep at most by tail sampling."""
    if container is None:
        return 0.0
    limit = whole(container.variable(Variable.TAIL_SAMPLING_PER_SECOND), TAIL_SAMPLING_PER_SECOND)
    return limit * whole(container.variable(Variable.WEB_CONCURRENCY), 1.0)


def whole(text: str, default: float) -> float:
    """Return the whole number that a variable's text is, `default` where it is none."""
    return min(float(text), _MOST) if text.isascii() and text.isdecimal() else default
