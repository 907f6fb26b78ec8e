"""Warn of telemetry that is billed twice, and of what it costs a second time."""

from __future__ import annotations

from collections.abc import Iterable

from operations.cost import telemetry
from operations.cost.context import Context
from operations.cost.templates import Resource
from operations.cost.units import GIB, MILLION


def warn(context: Context) -> None:
    """Add a warning for each kind of line that is billed twice: which lines, what they cost again, the remedy."""
    _printed_lines(context)
    _signals(context)
    _deliveries(context, "AWS::EC2::FlowLog", "ResourceId", "the same flow logs")
    _deliveries(context, "AWS::Logs::SubscriptionFilter", "LogGroupName", "the same log group")


def _printed_lines(context: Context) -> None:
    """Warn of lines that the application sends to its log group, and prints for `awslogs` to send."""
    written, printed = context.written_group, context.output_group
    if written is None or printed is None or not telemetry.prints_lines(context):
        return
    usd = context.price("logs-ingestion-gb").cost(telemetry.log_bytes(context) / GIB)
    where = "to the same log group" if printed is written else f"to {printed.logical_id}"
    context.notes.warn(
        f"The application's lines are billed twice: it sends them to {written.logical_id}, and prints them, which "
        f"awslogs ships {where}. The second time costs ${usd:,.2f} a month: set LOG_CONSOLE=false."
    )


def _signals(context: Context) -> None:
    """Warn of traces that X-Ray bills, and Application Signals again."""
    signals = [each for each in context.templates.resources if each.type.startswith("AWS::ApplicationSignals::")]
    if not signals or any(context.templates.of_type("AWS::XRay::TransactionSearchConfig")):
        return
    traces = telemetry.traces(context)
    usd = context.price("application-signals-million").cost(traces / MILLION)
    context.notes.warn(
        f"Traces are billed twice: by X-Ray, and by Application Signals ({signals[0].logical_id}), which costs "
        f"${usd:,.2f} a month for {traces:,.0f} of them: turn Transaction Search on, which bills both by the "
        "bytes of the spans, or leave Application Signals out."
    )


def _deliveries(context: Context, resource_type: str, source: str, what: str) -> None:
    """Warn of two resources that deliver from one source."""
    by_source: dict[str, list[Resource]] = {}
    for each in context.templates.of_type(resource_type):
        by_source.setdefault(str(each.get(source)), []).append(each)
    for resources in by_source.values():
        if len(resources) > 1 and _overlap(resources):
            names = " and ".join(each.logical_id for each in resources)
            context.notes.warn(f"{names} deliver {what}: each delivery is billed. Keep one of them.")


def _overlap(resources: Iterable[Resource]) -> bool:
    """Return whether two flow logs take the same connections: those accepted and those rejected are apart."""
    kinds = [str(each.get("TrafficType")) for each in resources]
    return sorted(kinds) != ["ACCEPT", "REJECT"]
