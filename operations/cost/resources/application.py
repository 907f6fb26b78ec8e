"""Price what the application's requests make, whatever runs and balances them: traces and data out."""

from __future__ import annotations

from collections.abc import Iterator

from operations.cost import routes, telemetry
from operations.cost.context import Context
from operations.cost.line_items import LineItem
from operations.cost.prices.keys import TRACE_PRICE
from operations.cost.resources import load_balancing, tracing
from operations.cost.sampling import applied_rule, derivation
from operations.cost.units import GIB, MILLION


def items(context: Context) -> Iterator[LineItem]:
    """Yield the traces that X-Ray records ("AWS X-Ray pricing") and the data out ("Amazon EC2 On-Demand Pricing").

    The sampling rule that takes the requests has the traces. With Transaction Search none is billed: it switches all
    spans of the account to CloudWatch's price ("Enable transaction search", Amazon CloudWatch User Guide).
    """
    if context.application is None:
        return
    service = context.application.service
    rule = applied_rule(context) or service
    traces = 0.0 if tracing.has_transaction_search(context) else telemetry.traces(context)
    how = derivation(context) if traces else "none"
    yield context.item(rule, "X-Ray traces", TRACE_PRICE, traces / MILLION, how, by_traffic=True)
    sent = routes.to_internet(context)
    yield context.item(service, "Data out", "internet-out-gb", sent.size / GIB, str(sent), by_traffic=True)
    for balancer in context.templates.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer"):
        if balancer.get("Scheme") != "internal" and load_balancing.takes_requests(context, balancer):
            yield context.item(
                balancer,
                "Data out",
                "internet-out-gb",
                context.requests * context.measured.response / GIB,
                f"{context.requests:,.0f} responses x {context.measured.response:g} bytes",
                by_traffic=True,
            )
