"""Estimate what an environment costs in a month at a traffic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from operations.cost import double_billing, scope
from operations.cost.context import Context
from operations.cost.line_items import Estimate, FreeResource, LineItem
from operations.cost.money import counted
from operations.cost.prices.prices import OwnResource, Price, Prices, Tier
from operations.cost.reading import Notes, Reader
from operations.cost.resources import FREE, PRICERS, application
from operations.cost.templates import NoPriceError, Resource, Templates
from operations.cost.traffic import Measured, Traffic


def estimate(
    templates: Templates,
    traffic: Traffic,
    prices: Prices,
    measured: Measured,
    *,
    without_maximum: bool = False,
    free_tier: bool = False,
) -> Estimate:
    """Return what AWS bills for the resources of `templates`, at list prices, in US dollars.

    A service whose maximum of tasks is too low for the traffic is priced at the maximum, with a warning;
    `without_maximum` prices the tasks that the traffic needs, as for a curve. `free_tier` takes the account's free
    allowances off. Raises `OperatorError` for a resource type that has no price here, and for properties that
    CloudFormation would not take.
    """
    notes = Notes(dict.fromkeys(templates.assumptions))
    context = Context(Reader(templates, notes), traffic, prices, measured, without_maximum)
    items = list(application.items(context))
    of_application = {(each.stack, each.resource) for each in items}
    free: list[FreeResource] = []
    for resource in templates.resources:
        billed, reason = _priced(context, resource)
        items += billed
        if reason and (resource.stack, resource.logical_id) not in of_application:
            free.append(FreeResource(resource.stack, resource.logical_id, resource.type, reason))
    _warn_of_full_services(context)
    double_billing.warn(context)
    scope.state(context, free_tier=free_tier)
    if context.missing:
        raise prices.missing(context.missing)
    if free_tier:
        items = list(_without_allowances(items))
    return Estimate(
        environment=templates.environment,
        region=prices.region,
        items=tuple(_through_tiers(items)),
        free=tuple(free),
        assumptions=tuple(notes.assumptions),
        unknown=tuple(notes.unknown),
        warnings=tuple(notes.warnings),
    )


def _priced(context: Context, resource: Resource) -> tuple[list[LineItem], str]:
    """Return the items of a resource, or why it has none. Raises `NoPriceError` where neither is known.

    A price of the user's own is for what has none here: another kind of service, say, and not for those that do.
    """
    own = context.prices.own_resources.get(resource.type)
    try:
        items = list(PRICERS[resource.type](context, resource)) if resource.type in PRICERS else []
    except NoPriceError:
        if own is None:
            raise
        items = []
    if items:
        if own is not None:
            context.notes.warn(f"The price of one's own of {resource.type} is not used: it has one here, in its parts.")
        return items, ""
    if own is None and resource.type not in FREE:
        raise NoPriceError(resource)
    if own is None or own.free:
        return [], FREE[resource.type] if own is None else own.free
    return [_own_item(context, resource, own)], ""


def _own_item(context: Context, resource: Resource, own: OwnResource) -> LineItem:
    price = Price(key=own.type, unit="month", tiers=(Tier(0.0, own.monthly),), source=own.source, read_on=own.read_on)
    return LineItem(
        stack=resource.stack,
        resource=resource.logical_id,
        type=resource.type,
        name=own.type,
        price=price,
        quantity=context.month,
        derivation=f"{context.hours:g} h, by a price of one's own",
        by_traffic=False,
    )


def _without_allowances(items: Iterable[LineItem]) -> Iterator[LineItem]:
    """Yield the items less the units that an account has free of each price, which the first items use."""
    used: dict[str, float] = {}
    for item in items:
        free = min(item.quantity, max(0.0, item.price.free - used.get(item.price.key, 0.0)))
        used[item.price.key] = used.get(item.price.key, 0.0) + free
        derivation = f"{item.derivation}, less {free:g} free" if free else item.derivation
        yield replace(item, quantity=item.quantity - free, derivation=derivation)


def _through_tiers(items: Iterable[LineItem]) -> Iterator[LineItem]:
    """Yield the items with what fills the lower tiers of their price before them: AWS adds up a region's usage."""
    total: dict[str, float] = {}
    for item in items:
        preceding = total.get(item.price.key, 0.0)
        total[item.price.key] = preceding + item.quantity
        yield item if len(item.price.tiers) == 1 else replace(item, preceding=preceding)


def _warn_of_full_services(context: Context) -> None:
    for scaling in context.scalings.values():
        limit = scaling.requests_at_maximum(context.measured.requests_per_vcpu)
        if context.traffic.requests > limit and not context.without_maximum:
            priced = "which is priced" if scaling.maximum == 1 else "which are priced"
            context.notes.warn(
                f"{scaling.service.logical_id} is full at {limit:,.0f} requests/s, with its maximum of "
                f"{counted(scaling.maximum, 'task')}, {priced}: raise `maximum` of the environment's `tasks` for "
                f"{context.traffic.requests:,.0f}."
            )
