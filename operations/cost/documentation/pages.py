"""Write what README.md and docs/cost.md say of cost, and the picture: `make cost-docs`."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from infra.environments import DEV, PROD, Environment
from operations.charts import Chart
from operations.cost.arguments import DEFAULT_REGION, Region
from operations.cost.curve import chart, points
from operations.cost.documentation import tables
from operations.cost.documentation.options import Addition, additions
from operations.cost.documentation.transaction_search import INSIGHTS_PRICE, TransactionSearch
from operations.cost.prices.prices import Prices, load, regions
from operations.cost.pricing import Pricing, synthesized
from operations.cost.report.text import Report, requests_text
from operations.cost.traffic import Measured, Traffic, measured
from operations.published import replace_section
from operations.synthesis import CHECKOUT

README: Final = CHECKOUT / "README.md"
PAGE: Final = CHECKOUT / "docs" / "cost.md"
PICTURE: Final = "cost"
_EXAMPLE_REQUESTS: Final = 50.0
_BUSY_REQUESTS: Final = 200.0
"""At which production runs more tasks than its minimum."""
_WORKING_HOURS: Final = 220.0
"""A month: ten hours on 22 days."""


@dataclass(frozen=True)
class Pages:
    """The generated parts of both pages."""

    prices: Prices
    measured: Measured

    @cached_property
    def pricings(self) -> Mapping[str, Pricing]:
        """What prices each environment, by its name."""
        return {each.name: self._pricing(each) for each in (DEV, PROD)}

    @cached_property
    def chart(self) -> Chart:
        """The picture."""
        pricing = self.pricings[PROD.name]
        return chart(PROD.name, points(pricing), pricing.requests_at_maximum)

    @cached_property
    def additions(self) -> Mapping[str, Sequence[Addition]]:
        """What each option adds to an environment at a traffic, by both as text."""
        synthesized_once: list[tuple[Environment, Pricing]] = []

        def pricing(changed: Environment) -> Pricing:
            for each, known in synthesized_once:
                if each == changed:
                    return known
            synthesized_once.append((changed, self._pricing(changed)))
            return synthesized_once[-1][1]

        def of(environment: Environment, requests: float) -> list[Addition]:
            return list(additions(environment, lambda changed: pricing(changed).estimate(Traffic(requests=requests))))

        return {_heading(each, requests): of(each, requests) for each, requests in self._traffics()}

    def sections(self) -> Iterator[tuple[Path, str, str]]:
        """Yield each section: the page, the name of its markers, the text."""
        yield README, "cost", f"{self._table()}\n\n{self.chart.markdown(f'docs/{PICTURE}')}"
        yield PAGE, "example", self._example()
        yield PAGE, "picture", self.chart.markdown(PICTURE)
        yield PAGE, "points", tables.curve(points(self.pricings[PROD.name], 1))
        yield PAGE, "options", tables.options(self.additions)
        yield PAGE, "savings", tables.savings(self._savings())
        yield PAGE, "transaction search", self._transaction_search()
        yield PAGE, "prices", tables.price_files(load(each) for each in regions())

    def _pricing(self, environment: Environment) -> Pricing:
        return Pricing(synthesized(environment), self.prices, self.measured)

    def _traffics(self) -> Iterator[tuple[Environment, float]]:
        """Yield each environment with the traffic of its cost limit, and a busy production."""
        for each in (DEV, PROD):
            if each.cost_limit is not None:
                yield each, each.cost_limit.requests
        yield PROD, _BUSY_REQUESTS

    def _table(self) -> str:
        summaries = [pricing.summary(Traffic(requests=1.0)) for pricing in self.pricings.values()]
        used = self.prices.of({key for summary in summaries for key in summary.prices.by_key})
        caption = (
            f"AWS in {self.prices.region}, 730 hours a month, by list prices of {used.oldest} to {used.newest} without "
            "free allowances. Honeycomb's and Rollbar's plans are not in it."
        )
        return f"{caption}\n\n{tables.environments(self.pricings)}"

    def _example(self) -> str:
        output = io.StringIO()
        summary = self.pricings[PROD.name].summary(Traffic(requests=_EXAMPLE_REQUESTS))
        today = max(each.read_on for each in summary.prices.by_key.values())
        Report(output).estimate(summary, region=Region(self.prices.region, ""), today=today)
        lines = "\n".join(line.rstrip() for line in output.getvalue().splitlines())
        return f"```text\n{lines}\n```"

    def _savings(self) -> Iterator[tuple[float, str, str]]:
        for heading, here in self.additions.items():
            for each in (addition for addition in here if addition.option.is_saving):
                text = f"{'without' if each.is_chosen else 'with'} {each.option.title}"
                consequence = f": {each.option.consequence}" if each.option.consequence else ""
                yield each.saving, heading, text + consequence
        for environment, requests in self._traffics():
            items = self.pricings[environment.name].estimate(Traffic(requests=requests)).items
            insights = sum(each.usd for each in items if each.price.key == INSIGHTS_PRICE)
            change = "without X-Ray insights, `InsightsEnabled` of aws/json/xray-group.json"
            yield insights, _heading(environment, requests), change
        always = Traffic(requests=1.0)
        whole, part = map(self.pricings[DEV.name].estimate, (always, replace(always, hours=_WORKING_HOURS)))
        change = f"deployed for {_WORKING_HOURS:g} hours of the month: `make destroy` after work"
        yield whole.usd - part.usd, _heading(DEV, always.requests), change

    def _transaction_search(self) -> str:
        ways = {
            heading: TransactionSearch(self.prices, self.measured, insights)
            for heading, insights in (("without X-Ray insights", False), ("with them, as a group here has", True))
        }
        return tables.transaction_search(ways, self.pricings[PROD.name].recorded)


def pages() -> Pages:
    """Return the parts by the prices and the bench's figures that this checkout has."""
    return Pages(load(DEFAULT_REGION), measured())


def main() -> int:
    """Write them, and return the exit status."""
    written = pages()
    for page, name, text in written.sections():
        replace_section(page, name, f"{text}\n")
    written.chart.write(PAGE.parent, PICTURE)
    sys.stdout.write("README.md, docs/cost.md and its picture have what dev and prod cost\n")
    return 0


def _heading(environment: Environment, requests: float) -> str:
    return f"{environment.name}, {requests_text(requests)}"


if __name__ == "__main__":
    sys.exit(main())
