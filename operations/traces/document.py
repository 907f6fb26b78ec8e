"""Describe one trace as the four places have it, and why a place has nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from operations.traces.trace_ids import xray_trace_id

Json = dict[str, Any]


class Place(StrEnum):
    """Where a sink of the service writes and this package reads, in the order in which it is shown.

    The values are the sinks' names in the health check and in log lines, and keys of the JSON document.
    """

    HONEYCOMB = "honeycomb"
    XRAY = "xray"
    CLOUDWATCH = "cloudwatch"
    ROLLBAR = "rollbar"

    @property
    def label(self) -> str:
        """Return the product's name."""
        return _LABELS[self]


_LABELS = {
    Place.HONEYCOMB: "Honeycomb",
    Place.XRAY: "X-Ray",
    Place.CLOUDWATCH: "CloudWatch Logs",
    Place.ROLLBAR: "Rollbar",
}


class Reason(StrEnum):
    """Why a place has nothing of a trace."""

    NO_ERROR = "no-error"
    """Nothing is missing: Rollbar gets failed requests only, and a health check writes a line only if it fails."""
    NOT_SAMPLED = "not-sampled"
    SINK_OFF = "sink-off"
    PLACEHOLDER_KEY = "placeholder-key"
    UNAUTHORIZED = "unauthorized"
    UNREACHABLE = "unreachable"
    DROPPED = "dropped"
    QUEUED = "queued"
    NOT_YET_ARRIVED = "not-yet-arrived"
    NOT_READABLE = "not-readable"
    """The reader has no key or permission for this place, or it does not respond."""
    NOT_IN_FILE = "not-in-file"
    """The trace was imported, and its file has nothing of this place."""
    UNKNOWN_TRACE = "unknown-trace"
    """No place has anything of this id: it is mistyped, or its telemetry has expired."""
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a place has nothing. `message` is one sentence; `remedy` says what to do, None where nothing is needed."""

    reason: Reason
    message: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceContent:
    """What one place has of a trace: spans, segment documents, log events or items, oldest first.

    Honeycomb: spans as `operations/traces/otlp.py` reads them (ids as hex digits, times in nanoseconds since the
    epoch, `attributes`, `events`, `status`, `resource`). X-Ray: segment documents ("AWS X-Ray segment documents",
    Developer Guide), the subsegments embedded. CloudWatch Logs: objects with `timestamp` (milliseconds since the
    epoch), `stream`, `message` (the text of the line) and `fields` (the line's JSON object, else an empty one).
    Rollbar: the `data` of an item ("Create an item", Rollbar's API reference). `url` opens the trace in the product.
    """

    items: Sequence[Json] = ()
    absence: Absence | None = None
    url: str | None = None

    def as_json(self) -> Json:
        """Return the fields by name; the items are not copied."""
        absence = None if self.absence is None else asdict(self.absence)
        return {"items": list(self.items), "absence": absence, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request in a list. A field is None where no place tells it; `places` are those that have some of it.

    `started` is in seconds since the epoch. `sample_rate` is the number of requests that this one stands for.
    """

    trace_id: str
    started: float
    method: str | None = None
    route: str | None = None
    path: str | None = None
    status: int | None = None
    user: str | None = None
    duration_ms: float | None = None
    sampled: bool | None = None
    sample_rate: float | None = None
    exception: str | None = None
    places: Sequence[Place] = ()

    def as_json(self) -> Json:
        """Return the fields by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One trace in all four places."""

    trace_id: str
    request: Request | None
    places: Mapping[Place, PlaceContent] = field(default_factory=dict)

    @property
    def xray_trace_id(self) -> str:
        """Return the id in X-Ray's format, `1-<8 digits>-<24 digits>`."""
        return xray_trace_id(self.trace_id)

    def as_json(self) -> Json:
        """Return the document that `make trace JSON=1`, the console and the MCP server share (docs/traces.md)."""
        return {
            "trace_id": self.trace_id,
            "xray_trace_id": self.xray_trace_id,
            "request": None if self.request is None else self.request.as_json(),
            "places": {place.value: content.as_json() for place, content in self.places.items()},
        }
