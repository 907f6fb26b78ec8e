"""Put AWS WAF in front of the load balancer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

_MANAGED_RULE_GROUPS: Final = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesCommonRuleSet",
    "AWSManagedRulesKnownBadInputsRuleSet",
)
_COUNT_ONLY_RULES: Final = {"AWSManagedRulesCommonRuleSet": ("SizeRestrictions_BODY",)}
"""Rules that only count: a batch of a page's spans is longer than the 8 KiB that this one lets a body have."""
_MIN_RATE: Final = 10
_MAX_RATE: Final = 2_000_000_000
"""The limits of a rate rule ("RateBasedStatement", AWS WAF API Reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """AWS WAF with managed rules and rate rules: $10.00 a month, and $0.60 per million requests.

    The rates are requests in five minutes of one address, which is then refused with a 403 until it is slower; that of
    the relay counts what pages send as spans. Raises `ValueError` for a rate that WAF does not take.
    """

    requests: int = 2_000
    relay_requests: int = 100

    def __post_init__(self) -> None:
        for field in ("requests", "relay_requests"):
            if not _MIN_RATE <= (rate := getattr(self, field)) <= _MAX_RATE:
                raise ValueError(
                    f"{field} {rate!r} is out of range: use {_MIN_RATE} to {_MAX_RATE} requests in five minutes"
                )


class WebAcl(Construct):
    """Create the web ACL of `balancer`."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        firewall: Firewall,
        balancer: elbv2.ApplicationLoadBalancer,
        relay_path: str,
    ) -> None:
        super().__init__(scope, construct_id)

        rules = (
            _rate_rule("Rate", firewall.requests),
            _rate_rule("RelayRate", firewall.relay_requests, path=relay_path),
            *map(_managed_rules, _MANAGED_RULE_GROUPS),
        )
        acl = wafv2.CfnWebACL(
            self,
            "Acl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow=wafv2.CfnWebACL.AllowActionProperty()),
            visibility_config=_visibility("Requests"),
            rules=[each(priority) for priority, each in enumerate(rules)],
        )
        wafv2.CfnWebACLAssociation(
            self, "Association", resource_arn=balancer.load_balancer_arn, web_acl_arn=acl.attr_arn
        )


_Rule = Callable[[int], wafv2.CfnWebACL.RuleProperty]
"""Makes the rule at a priority."""


def _rate_rule(name: str, limit: int, *, path: str | None = None) -> _Rule:
    """Block an address that sends more than `limit` requests, to `path` if given, in five minutes, WAF's default."""
    rate = wafv2.CfnWebACL.RateBasedStatementProperty(
        aggregate_key_type="IP", limit=limit, scope_down_statement=None if path is None else _path_is(path)
    )
    return lambda priority: wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(rate_based_statement=rate),
        action=wafv2.CfnWebACL.RuleActionProperty(block=wafv2.CfnWebACL.BlockActionProperty()),
        visibility_config=_visibility(name),
    )


def _managed_rules(name: str) -> _Rule:
    count = wafv2.CfnWebACL.RuleActionProperty(count=wafv2.CfnWebACL.CountActionProperty())
    group = wafv2.CfnWebACL.ManagedRuleGroupStatementProperty(
        name=name,
        vendor_name="AWS",
        rule_action_overrides=[
            wafv2.CfnWebACL.RuleActionOverrideProperty(name=rule, action_to_use=count)
            for rule in _COUNT_ONLY_RULES.get(name, ())
        ],
    )
    return lambda priority: wafv2.CfnWebACL.RuleProperty(
        name=name,
        priority=priority,
        statement=wafv2.CfnWebACL.StatementProperty(managed_rule_group_statement=group),
        override_action=wafv2.CfnWebACL.OverrideActionProperty(none={}),
        visibility_config=_visibility(name),
    )


def _path_is(path: str) -> wafv2.CfnWebACL.StatementProperty:
    return wafv2.CfnWebACL.StatementProperty(
        byte_match_statement=wafv2.CfnWebACL.ByteMatchStatementProperty(
            field_to_match=wafv2.CfnWebACL.FieldToMatchProperty(uri_path={}),
            positional_constraint="EXACTLY",
            search_string=path,
            # `/v1/%74races` is the same path to the service.
            text_transformations=[wafv2.CfnWebACL.TextTransformationProperty(priority=0, type="URL_DECODE")],
        )
    )


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=True
    )
