"""Price X-Ray's groups, Transaction Search and Application Signals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from operations.cost import telemetry
from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.sampling import derivation
from operations.cost.templates import Resource
from operations.cost.units import GIB, MILLION

TRANSACTION_SEARCH: Final = "AWS::XRay::TransactionSearchConfig"
_FREE_PERCENT: Final = 1.0
"""Of the spans, which are indexed free of charge ("Enable transaction search", Amazon CloudWatch User Guide)."""


def has_transaction_search(context: Context) -> bool:
    """Return whether a template turns Transaction Search on."""
    return any(context.templates.of_type(TRANSACTION_SEARCH))


def group(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the traces that insights process, of the first group that has them ("AWS X-Ray pricing").

    Each trace is billed once, in any or all groups. With Transaction Search the groups see the indexed share only
    ("Transaction Search", Amazon CloudWatch User Guide).
    """
    groups = context.templates.of_type(resource.type)
    if not _has_insights(resource) or resource is not next(each for each in groups if _has_insights(each)):
        return
    search = next(context.templates.of_type(TRANSACTION_SEARCH), None)
    share = 1.0 if search is None else _indexed_percent(context, search) / 100
    count = telemetry.traces(context) * share
    yield context.item(
        resource,
        "X-Ray insights",
        "xray-insights-trace-million",
        count / MILLION,
        derivation(context) if share == 1 else f"{count:,.0f} traces indexed",
        by_traffic=True,
    )


def _has_insights(group: Resource) -> bool:
    return str(group.get("InsightsConfiguration", "InsightsEnabled")).lower() == "true"


def transaction_search(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the spans that CloudWatch takes, and those indexed beyond the free share ("Amazon CloudWatch pricing")."""
    spans = telemetry.traces(context) * context.measured.spans
    yield context.item(
        resource,
        "Transaction Search spans",
        "transaction-search-span-gb",
        spans * context.measured.span / GIB,
        f"{spans:,.0f} spans x {context.measured.span:g} bytes",
        by_traffic=True,
    )
    indexed = spans * max(0.0, _indexed_percent(context, resource) - _FREE_PERCENT) / 100
    yield context.item(
        resource,
        "Transaction Search indexed spans",
        "transaction-search-indexed-span-million",
        indexed / MILLION,
        f"{indexed:,.0f} spans over the first {_FREE_PERCENT:g} %",
        by_traffic=True,
    )
    context.notes.leave_out("The storage of the log group aws/spans, and the spans of other services of the account.")


def _indexed_percent(context: Context, search: Resource) -> float:
    return min(100.0, context.reader.number(search, "IndexingPercentage", default=_FREE_PERCENT))


def application_signals(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield the signals of Application Signals, which Transaction Search includes ("Amazon CloudWatch pricing")."""
    if has_transaction_search(context):
        return
    context.notes.assume("Application Signals counts one signal for each trace.")
    count = telemetry.traces(context)
    yield context.item(
        resource,
        "Application Signals",
        "application-signals-million",
        count / MILLION,
        f"{count:,.0f} signals",
        by_traffic=True,
    )
