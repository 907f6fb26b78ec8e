"""Read the four places in parallel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place
from operations.traces.errors import ReadError, read_error
from operations.traces.places import cloudwatch, xray
from operations.traces.records import records, spans


@dataclass(frozen=True, slots=True)
class Reading:
    """What the places returned of a trace: the items of each, and why one cannot be read."""

    trace_id: str
    items: Mapping[Place, Sequence[Json]]
    errors: Mapping[Place, ReadError]


def read_places(deployment: Deployment, trace_id: str) -> Reading:
    """Return what each place has of a trace; a place without a reader has nothing."""
    items: dict[Place, Sequence[Json]] = {}
    errors: dict[Place, ReadError] = {}
    with ThreadPoolExecutor(max_workers=len(Place)) as pool:
        futures = {place: pool.submit(items_of, deployment, place, trace_id) for place in Place}
        for place, future in futures.items():
            try:
                items[place] = (spans if place is Place.HONEYCOMB else records)(future.result())
            except Exception as error:  # noqa: BLE001 - whatever one place returns, the others are shown
                items[place], errors[place] = (), read_error(place, error)
    return Reading(trace_id, items, errors)


def items_of(deployment: Deployment, place: Place, trace_id: str) -> Sequence[Json]:
    """Return what one place has of a trace, as it returns it. Raises `ReadError`."""
    match place:
        case Place.HONEYCOMB:
            return () if deployment.honeycomb is None else deployment.honeycomb.spans(trace_id)
        case Place.XRAY:
            return xray.segments(deployment, trace_id)
        case Place.CLOUDWATCH:
            return cloudwatch.lines(deployment, trace_id)
        case Place.ROLLBAR:
            return () if deployment.rollbar is None else deployment.rollbar.items(trace_id)
