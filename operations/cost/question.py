"""What `make cost` is asked: the environment, its traffic, the region, and values of one's own."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from infra.environment_names import ALL, LOCAL
from infra.environments import ENVIRONMENTS, Environment
from operations.cost import arguments, templates
from operations.cost.arguments import Region, region_of, with_own
from operations.cost.prices import prices
from operations.cost.pricing import Pricing, synthesized
from operations.cost.report.summary import Summary
from operations.cost.report.text import requests_text
from operations.cost.traffic import DEFAULT_FAILURE_RATE, Traffic, measured
from operations.cost.units import HOURS
from operations.errors import OperatorError

DEFAULT_REQUESTS: Final = 1.0
"""A second, of an environment without a cost limit."""
_OF_A_REQUEST: Final = (
    arguments.LINE_BYTES,
    arguments.SPANS,
    arguments.RESPONSE_BYTES,
    arguments.REQUESTS_PER_VCPU,
)
"""What an application may know of its own requests, and the bench of the sample's."""
_MEAN_TRAFFIC: Final = "The tasks are those of the mean traffic: peaks need more of them."


def answer(options: argparse.Namespace, environ: Mapping[str, str]) -> tuple[Summary, Region]:
    """Return the estimate that is asked for. Raises `OperatorError` for a bad value."""
    values = vars(options)
    environment = deployed_environment(options.environment)
    if options.limit:
        _check_limit_options(values)
    traffic, traffic_note = _traffic(values, environment, for_limit=options.limit)
    known = with_own(measured(), values)
    content = _templates(environment, options.assembly)
    region = region_of(options.region, content.region, environ)
    of_region = _prices(region, options.prices)
    summary = Pricing(content, of_region, known, free_tier=options.free_tier).summary(traffic)
    notes = [
        f"The prices are those of {region.name}: {region.reason}.",
        *(_own_prices(options.prices, content) if options.prices else ()),
        *traffic_note,
        _MEAN_TRAFFIC,
        *_of_a_request(values),
    ]
    assumptions = [*notes, *summary.estimate.assumptions]
    return replace(summary, estimate=replace(summary.estimate, assumptions=assumptions)), region


def _check_limit_options(values: Mapping[str, str | None]) -> None:
    for each in arguments.NUMBERS:
        given = values[each.variable]
        if given and each not in _OF_A_REQUEST:
            raise OperatorError(
                f"{each.variable}={given!r} does not apply to the cost limit, which has its own traffic",
                "Leave it out, or change the cost_limit in infra/environments.py",
            )


def _of_a_request(values: Mapping[str, str | None]) -> Iterator[str]:
    """Yield which figures of a request are given, and whose the others are."""
    given = [f"{each.variable}={values[each.variable]}" for each in _OF_A_REQUEST if values[each.variable]]
    others = [each.variable for each in _OF_A_REQUEST if not values[each.variable]]
    if given:
        yield f"Of a request are given, in place of what the bench measured: {', '.join(given)}."
    if others:
        yield (
            "Bytes, spans and CPU of a request are the sample application's, on a machine whose vCPU may be faster "
            f"than Fargate's: give your own by {', '.join(others)}."
        )


def _own_prices(path: Path, content: templates.Templates) -> Iterator[str]:
    """Yield what the user's own price file has, and how often its types are in the stacks."""
    own = prices.read(path)
    if own.by_key:
        yield f"{path} has prices in place of the region's: {', '.join(own.by_key)}."
    for each in own.own_resources.values():
        count = sum(1 for _ in content.of_type(each.type))
        yield f"{path} has a price of {each.type} ({each.source}), of which the stacks have {count}."


def _prices(region: Region, own: Path | None) -> prices.Prices:
    try:
        return prices.load(region.name, own)
    except OperatorError as error:
        if own is not None or region.name in prices.regions():
            raise
        raise OperatorError(
            f"{error.problem}, the region as {region.reason}",
            f"{error.remedy}; REGION={arguments.DEFAULT_REGION} estimates by the prices of another region",
        ) from error


def _templates(environment: Environment, assembly: Path | None) -> templates.Templates:
    if assembly is None:
        return synthesized(environment)
    content = templates.load(assembly)
    if content.environment not in (environment.name, ""):
        raise OperatorError(
            f"{assembly} has the stacks of {content.environment!r}, not those of ENV={environment.name!r}",
            f"Give ENV={content.environment}, or synthesize the others: make synth ENV={environment.name}",
        )
    return content


def deployed_environment(name: str) -> Environment:
    """Return the environment of that name. Raises `OperatorError` for one that is not deployed."""
    deployed = [each for each in ALL if each != LOCAL]
    if name not in deployed:
        problem = "is not deployed to AWS" if name == LOCAL else "is not one of infra/environment_names.py"
        raise OperatorError(f"ENV={name!r} {problem}", f"Give ENV={' or ENV='.join(deployed)}")
    return ENVIRONMENTS[name]


def _traffic(
    values: Mapping[str, str | None], environment: Environment, *, for_limit: bool
) -> tuple[Traffic, Sequence[str]]:
    """Return the traffic, and the sentence of a default. The cost limit is for its own traffic."""
    limit, notes = environment.cost_limit, []
    requests, hours, sampled_share, line_bytes, failed_share = (
        each.read_optional(values[each.variable])
        for each in (
            arguments.REQUESTS,
            arguments.HOURS_OF_A_MONTH,
            arguments.SAMPLING,
            arguments.LINE_BYTES,
            arguments.FAILED,
        )
    )
    if requests is None or for_limit:
        requests = limit.requests if limit else DEFAULT_REQUESTS
        origin = f"that of the cost limit of {environment.name}" if limit else "no REQUESTS= is given"
        notes.append(f"The traffic is {requests_text(requests)}: {origin}.")
    traffic = Traffic(
        requests=requests,
        hours=hours or HOURS,
        sampled_share=sampled_share,
        line_bytes=line_bytes,
        failed_share=DEFAULT_FAILURE_RATE if failed_share is None else failed_share,
    )
    return traffic, notes
