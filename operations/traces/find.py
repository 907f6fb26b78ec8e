"""Find one trace in all four places at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from operations.traces import summary
from operations.traces.absence import explain
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place, PlaceContent, Trace
from operations.traces.errors import ReadError
from operations.traces.places import cloudwatch, rollbar, xray
from operations.traces.reading import read_places
from operations.traces.trace_ids import parse_trace_id


def find_trace(deployment: Deployment, trace_id: str, now: Callable[[], float] = time.time) -> Trace:
    """Return what each place has of a trace, with why a place has nothing.

    `trace_id` is 32 hex digits, X-Ray's `1-…-…`, or a `traceparent`. `now` returns seconds since the epoch. Raises
    `OperatorError` for another text; a place that cannot be read is an absence.
    """
    digits = parse_trace_id(trace_id)
    reading = read_places(deployment, digits)
    request = summary.of_trace(digits, reading.items)
    absences = explain(deployment, reading, request, now())
    places = {
        place: PlaceContent(
            items=reading.items[place],
            absence=absences.get(place),
            url=url_of(deployment, place, digits, reading.items[place]),
        )
        for place in Place
    }
    return Trace(trace_id=digits, request=request, places=places)


def url_of(deployment: Deployment, place: Place, trace_id: str, items: Sequence[Json]) -> str | None:
    """Return the URL of the trace in the product, None for a fake, and where the product has no page of it."""
    if place is Place.HONEYCOMB:
        try:
            return None if deployment.honeycomb is None else deployment.honeycomb.url(trace_id)
        except ReadError:
            return None
    if not deployment.has_console:
        return None
    match place:
        case Place.XRAY:
            return xray.url(deployment, trace_id)
        case Place.CLOUDWATCH:
            return cloudwatch.url(deployment, trace_id)
        case Place.ROLLBAR:
            return rollbar.url(items[0]) if items else None
