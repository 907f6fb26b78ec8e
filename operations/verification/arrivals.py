"""Wait until each place has each request, in parallel, and compare the ids of what it has."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from flask_onetrace.contract import ACCESS_LOGGER, LOGGER_FIELD
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place
from operations.traces.errors import ReadError
from operations.traces.reading import items_of
from operations.traces.trace_ids import hex_trace_id
from operations.verification.kinds import Kind
from operations.verification.sending import ProbeResult

SHORTEST_PAUSE: Final = 0.2
LONGEST_PAUSE: Final = 4.0
"""Seconds between two looks into a place: their APIs have quotas."""
MAX_ERRORS: Final = 3
"""After so many in a row a place is not read any more."""


class Pace(NamedTuple):
    """Seconds before the first look into a place, and before each after one for every request."""

    first: float
    again: float


UNPACED: Final = Pace(0.0, 0.0)
HONEYCOMB: Final = Pace(4.0, 12.0)
"""At most 10 queries a minute are run ("Query Data", Honeycomb API Reference), and each look is one."""


class State(StrEnum):
    """What became of a request in a place."""

    ARRIVED = "arrived"
    MISSING = "missing"
    NOT_SAMPLED = "not sampled"
    """By the rule, which samples others of its kind: nothing is missing."""
    OFF = "off"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request in a place. `delay` is the seconds after the response; `note` says why it is not checked."""

    place: Place
    kind: Kind
    trace_id: str
    state: State
    delay: float | None = None
    same_id: bool | None = None
    sample_rate: float | None = None
    note: str = ""
    items: Sequence[Json] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a place is searched for: the requests that it has to have, and until when to wait for them."""

    deployment: Deployment
    place: Place
    results: Sequence[ProbeResult]
    wait: float
    progress: Callable[[Arrival], None]
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


def search_all(searches: Sequence[Search]) -> list[Arrival]:
    """Search all places in parallel."""
    if not searches:
        return []
    with ThreadPoolExecutor(max_workers=len(searches)) as pool:
        return [arrival for arrivals in pool.map(search, searches) for arrival in arrivals]


def search(search: Search) -> list[Arrival]:
    """Poll one place until it has each request, or the time is over."""
    arrivals: dict[Kind, Arrival] = {}
    pace = HONEYCOMB if search.place is Place.HONEYCOMB and search.deployment.has_console else UNPACED
    pause, errors, deadline = SHORTEST_PAUSE, 0, search.now() + search.wait
    search.sleep(pace.first)
    pending, looks = list(search.results), 0
    error: ReadError | None = None
    while pending and errors < MAX_ERRORS and (not looks or search.now() < deadline):
        for result in list(pending):
            if looks >= len(search.results):
                search.sleep(pace.again)
            looks += 1
            try:
                arrival = _look(search, result)
                error, errors = None, 0
            except ReadError as read_error:
                arrival, error, errors = None, read_error, errors + 1
            if arrival is not None:
                pending.remove(result)
                arrivals[result.kind] = arrival
                search.progress(arrival)
            if errors >= MAX_ERRORS or (looks >= len(search.results) and search.now() >= deadline):
                break
        if pending and search.now() < deadline:
            search.sleep(pause)
            pause = min(pause * 1.4, LONGEST_PAUSE)
    for result in pending:
        arrivals[result.kind] = _missing(search, result, error)
        search.progress(arrivals[result.kind])
    return [arrivals[result.kind] for result in search.results]


def _items(search: Search, trace_id: str) -> Sequence[Json]:
    """Return what the place has of a trace, nothing where there is no log group: that is a cause."""
    deployment, place = search.deployment, search.place
    try:
        return items_of(deployment, place, trace_id)
    except ReadError as error:
        if place is Place.CLOUDWATCH and isinstance(
            error.__cause__, deployment.aws.logs.exceptions.ResourceNotFoundException
        ):
            return ()
        raise


def is_complete(place: Place, result: ProbeResult, items: Sequence[Json]) -> bool:
    """Return whether the part that is sent last is there: the server's span, and the access line."""
    match place:
        case Place.HONEYCOMB:
            has_server = any(each.get("kind") == "server" for each in items)
            span_id = result.probe.span_id if result.kind is Kind.BROWSER and result.probe else ""
            return has_server and (not span_id or any(each.get("span_id") == span_id for each in items))
        case Place.CLOUDWATCH:
            return any(each.get("fields", {}).get(LOGGER_FIELD) == ACCESS_LOGGER for each in items)
    return bool(items)


def _look(search: Search, result: ProbeResult) -> Arrival | None:
    exchange = result.exchange
    if exchange is None:
        return None
    items = _items(search, exchange.trace_id)
    if not is_complete(search.place, result, items):
        return None
    ids = list(_ids(search.place, items))
    return Arrival(
        place=search.place,
        kind=result.kind,
        trace_id=exchange.trace_id,
        state=State.ARRIVED,
        delay=max(0.0, search.now() - exchange.received_at),
        same_id=bool(ids) and all(each == exchange.trace_id for each in ids),
        sample_rate=_sample_rate(items) if search.place is Place.HONEYCOMB else None,
        items=items,
    )


def _missing(search: Search, result: ProbeResult, error: ReadError | None) -> Arrival:
    exchange = result.exchange
    return Arrival(
        place=search.place,
        kind=result.kind,
        trace_id=exchange.trace_id if exchange else "",
        state=State.MISSING if error is None else State.NOT_CHECKED,
        note="" if error is None else str(error),
    )


def _ids(place: Place, items: Sequence[Json]) -> Iterator[str]:
    """Yield the trace id of each item that has one, as 32 hex digits."""
    for item in items:
        match place:
            case Place.HONEYCOMB:
                value: Any = item.get("trace_id")
            case Place.XRAY:
                value = hex_trace_id(str(item.get("trace_id", "")))
            case Place.CLOUDWATCH:
                value = item.get("fields", {}).get("trace_id")
            case Place.ROLLBAR:
                custom = item.get("custom")
                value = custom.get("trace_id") if isinstance(custom, Mapping) else None
        if isinstance(value, str) and value:
            yield value


def _sample_rate(items: Sequence[Json]) -> float:
    rates = [each.get("attributes", {}).get("SampleRate", 1) for each in items if each.get("kind") == "server"]
    return float(next((rate for rate in rates if isinstance(rate, int | float)), 1))
