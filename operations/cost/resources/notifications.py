"""Price notifications, and a firewall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from operations.cost.context import Context
from operations.cost.intrinsics import as_mapping
from operations.cost.line_items import LineItem
from operations.cost.templates import NoPriceError, Resource
from operations.cost.units import MILLION

_NOTIFICATIONS: Final = 100.0
"""A month to each subscription."""

_DEAR: Final = frozenset(f"AWSManagedRules{name}RuleSet" for name in ("BotControl", "ATP", "ACFP", "AntiDDoS"))
"""Managed rule groups with fees of their own ("AWS WAF pricing")."""


def subscription(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the notifications to an HTTPS endpoint ("Amazon SNS pricing")."""
    protocol = resource.get("Protocol")
    if protocol in ("email", "email-json"):
        return
    if protocol not in ("https", "http"):
        raise NoPriceError(resource, f", of protocol {protocol}")
    context.notes.assume(f"Alarms send {_NOTIFICATIONS:g} notifications a month to each subscription.")
    count = _NOTIFICATIONS * context.month
    yield context.item(
        resource, "SNS notifications", "sns-https-million", count / MILLION, f"{count:,.0f} notifications"
    )


def web_acl(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield a web ACL, its rules, a managed rule group being one, and the requests inspected ("AWS WAF pricing").

    Rules of up to 1,500 WCUs are in the price of a request ("AWS WAF increases web ACL capacity units limits", 2023).
    """
    yield context.monthly(resource, "WAF web ACLs", "waf-acl-month", 1, "web ACL")
    yield context.monthly(resource, "WAF rules", "waf-rule-month", len(resource.records("Rules")), "rule")
    groups = [_managed_group(each) for each in resource.records("Rules")]
    if dear := sorted({f"{vendor}'s {name}" for vendor, name in groups if name in _DEAR or vendor not in ("", "AWS")}):
        context.notes.leave_out(f"What {', '.join(dear)} cost besides: a month, and for each request inspected.")
    yield context.item(
        resource,
        "WAF requests",
        "waf-request-million",
        context.requests / MILLION,
        f"{context.requests:,.0f} requests",
        by_traffic=True,
    )


def _managed_group(rule: Mapping[str, Any]) -> tuple[str, str]:
    """Return vendor and name of a managed rule group, empty for another rule."""
    group = as_mapping(as_mapping(rule.get("Statement")).get("ManagedRuleGroupStatement"))
    return str(group.get("VendorName", "")), str(group.get("Name", ""))
