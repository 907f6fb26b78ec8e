"""What every pricer of a resource gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final

from flask_onetrace.contract import Variable
from operations.cost.containers import Container, application_of, containers
from operations.cost.line_items import LineItem
from operations.cost.money import counted, unit_price
from operations.cost.prices.prices import Price, Prices, Tier
from operations.cost.reading import Notes, Reader
from operations.cost.scaling import Scaling, scalings
from operations.cost.templates import Resource, Templates
from operations.cost.traffic import Measured, Traffic
from operations.cost.units import HOUR_SECONDS, HOURS

STARTS: Final = 30.0
"""Times a month that each task is assumed to be started: a deploy each day."""


@dataclass(frozen=True)
class Context:
    """The templates, the traffic and the prices of one estimate, and what follows from them for every resource."""

    reader: Reader
    traffic: Traffic
    prices: Prices
    measured: Measured
    without_maximum: bool
    """Whether the services' maximum of tasks is left out."""
    missing: dict[str, None] = field(default_factory=dict)
    """Keys of prices that the file lacks, to be reported together."""

    def item(
        self, resource: Resource, name: str, key: str, quantity: float, derivation: str, *, by_traffic: bool = False
    ) -> LineItem:
        """Return what AWS bills for a resource: `quantity` units of the price `key`."""
        return LineItem(
            stack=resource.stack,
            resource=resource.logical_id,
            type=resource.type,
            name=name,
            price=self.price(key),
            quantity=quantity,
            derivation=derivation,
            by_traffic=by_traffic,
        )

    def price(self, key: str) -> Price:
        """Return a price; one that the file lacks is 0 until `missing` is reported."""
        found = self.prices.by_key.get(key)
        if found is None:
            self.missing.setdefault(key)
            return Price(key=key, unit=key, tiers=(Tier(0.0, 0.0),), source="", read_on=date.min)
        return found

    def monthly(self, resource: Resource, name: str, key: str, count: float, unit: str) -> LineItem:
        """Return `count` of what is billed by the month, prorated by the hour."""
        time = "" if self.month == 1 else f" x {self.hours:g} of {HOURS:g} h"
        return self.item(resource, name, key, count * self.month, f"{counted(count, unit)}{time}")

    def unit_price(self, key: str, unit: str) -> str:
        """Return ` ($0.005 a GB)`, for a sentence on what is not in the sum; empty where the file has no such price."""
        price = self.prices.by_key.get(key)
        return f" ({unit_price(price.cost(1))} a {unit})" if price else ""

    @property
    def templates(self) -> Templates:
        """All resources."""
        return self.reader.templates

    @property
    def notes(self) -> Notes:
        """Where to add what the estimate assumes and leaves out."""
        return self.reader.notes

    @property
    def hours(self) -> float:
        """Of a month."""
        return self.traffic.hours

    @property
    def month(self) -> float:
        """Share of a month, for what is billed by the month and prorated by the hour."""
        return self.hours / HOURS

    @cached_property
    def requests(self) -> float:
        """A month."""
        return self.traffic.requests * self.hours * HOUR_SECONDS

    @cached_property
    def failures(self) -> float:
        """Requests that fail a month."""
        return self.requests * self.traffic.failed_share

    @cached_property
    def scalings(self) -> Mapping[tuple[str, str], Scaling]:
        """Of each service, by its stack and logical id."""
        return {(each.service.stack, each.service.logical_id): each for each in scalings(self.reader)}

    def scaling(self, service: Resource) -> Scaling:
        """Return how a service scales."""
        return self.scalings[service.stack, service.logical_id]

    def tasks(self, service: Resource) -> float:
        """Return how many tasks of a service run, on average."""
        return self.scaling(service).tasks(
            self.traffic.requests, self.measured.requests_per_vcpu, without_maximum=self.without_maximum
        )

    def starts(self, service: Resource) -> float:
        """Return how many tasks of a service start a month."""
        self.notes.assume(f"Each task is started {STARTS:g} times a month, as by a deploy each day.")
        return self.tasks(service) * STARTS * self.month

    @cached_property
    def containers(self) -> Sequence[Container]:
        """Of all services."""
        return tuple(containers(self.reader))

    @cached_property
    def public_gateways(self) -> Sequence[Resource]:
        """The NAT gateways that lead to the internet."""
        gateways = self.templates.of_type("AWS::EC2::NatGateway")
        return [each for each in gateways if each.get("ConnectivityType") != "private"]

    @cached_property
    def written_group(self) -> Resource | None:
        """The log group that the application itself writes to."""
        return self._log_group(self.application.variable(Variable.CLOUDWATCH_LOG_GROUP)) if self.application else None

    @cached_property
    def output_group(self) -> Resource | None:
        """The log group that the application's standard output and error are shipped to."""
        return self._log_group(self.application.output_group) if self.application else None

    def _log_group(self, value: object) -> Resource | None:
        return self.templates.named("AWS::Logs::LogGroup", "LogGroupName", value)

    @cached_property
    def application(self) -> Container | None:
        """The container whose requests are traced and logged."""
        return application_of(self.containers)
