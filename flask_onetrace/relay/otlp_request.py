"""What the relay reads of an export request, in either encoding: a reader for each is in a module of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple, Protocol

Scalar = str | bool | int | float
Value = Scalar | list[Scalar]

MAX_ARRAY: Final = 16
"""Values of an array. `browser.brands`, the longest of the semantic conventions' for browsers, has three or four."""


class MalformedSpansError(ValueError):
    """The body is not an export request, or none of its spans may be forwarded."""


class TooManySpansError(ValueError):
    """The body holds more than one request may."""


class Span(NamedTuple):
    """The fields of a span that are understood; attributes, events and links as the encoding has them."""

    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    name: str
    kind: int
    start: int
    """Nanoseconds since the epoch, as `end`."""
    end: int
    status_code: int
    status_message: str
    attributes: Sequence[Any]
    events: Sequence[Any]
    links: Sequence[Any]


class Event(NamedTuple):
    """An event of a span."""

    name: str
    time: int
    attributes: Sequence[Any]


class Link(NamedTuple):
    """A link of a span."""

    trace_id: bytes
    span_id: bytes
    attributes: Sequence[Any]


class ScopeSpans(NamedTuple):
    """The spans of one instrumentation scope."""

    name: str
    version: str
    spans: Sequence[Any]


class ResourceSpans(NamedTuple):
    """The spans of one resource."""

    attributes: Sequence[Any]
    scopes: Iterator[ScopeSpans]


class Reader(Protocol):
    """Reads one encoding. Every method raises `ValueError`, `TypeError` or `AttributeError` for another shape."""

    def resources(self, body: bytes) -> Iterator[ResourceSpans]:
        """Parse the body. Raises `MalformedSpansError` where that fails."""

    def span(self, raw: Any) -> Span:  # noqa: ANN401 - as the encoding has it
        """Read a span."""

    def event(self, raw: Any) -> Event:  # noqa: ANN401 - as above
        """Read an event."""

    def link(self, raw: Any) -> Link:  # noqa: ANN401 - as above
        """Read a link."""

    def attribute(self, raw: Any) -> tuple[str, Value]:  # noqa: ANN401 - as above
        """Read an attribute: a scalar, or an array of at most 16."""


SHAPE_ERRORS: Final = (ValueError, TypeError, AttributeError, KeyError, OverflowError)
"""What a reader raises for what has another shape."""
