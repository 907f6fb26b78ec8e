"""Read ministack's records of target groups, from any thread: by their ARN, which has the account and the region."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ministack.core.arn import parse_arn
from ministack.services import alb

_DELAY_ATTRIBUTE: Final = "deregistration_delay.timeout_seconds"
_DEFAULT_DELAY_SECONDS: Final = 300.0

Key = tuple[str, int]
"""A target's id and port, by which AWS identifies it."""


def target_group(arn: str) -> dict[str, Any] | None:
    """Return the group as DescribeTargetGroups does, None where there is none."""
    scope = parse_arn(arn)
    record: dict[str, Any] | None = alb._tgs.get_scoped(scope.account_id, scope.region, arn)
    return record


def registered_targets(arn: str) -> list[Key]:
    """Return the registered targets of a group, [] for one that does not exist."""
    group = target_group(arn)
    if group is None:
        return []
    scope = parse_arn(arn)
    targets = alb._targets.get_scoped(scope.account_id, scope.region, arn, ())
    return [(str(each["Id"]), int(each.get("Port") or group["Port"])) for each in targets]


def deregistration_delay(arn: str) -> float:
    """Return for how many seconds a deregistered target of the group drains."""
    scope = parse_arn(arn)
    attributes = alb._tg_attrs.get_scoped(scope.account_id, scope.region, arn, ())
    values = [float(each["Value"]) for each in attributes if each["Key"] == _DELAY_ATTRIBUTE]
    return values[0] if values else _DEFAULT_DELAY_SECONDS


def load_balancers_of(arn: str) -> set[str]:
    """Return the ARNs of the load balancers with a listener or rule that forwards to the group."""
    scope = parse_arn(arn)
    listeners = alb._listeners.values_scoped(scope.account_id, scope.region)
    rules = alb._rules.values_scoped(scope.account_id, scope.region)
    using = {each["ListenerArn"] for each in rules if _forwards(each.get("Actions"), arn)}
    return {
        each["LoadBalancerArn"]
        for each in listeners
        if each["ListenerArn"] in using or _forwards(each.get("DefaultActions"), arn)
    }


def _forwards(actions: Iterable[dict[str, Any]] | None, arn: str) -> bool:
    return any(each.get("TargetGroupArn") == arn for each in actions or ())
