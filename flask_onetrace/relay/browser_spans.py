"""Rebuild a browser's spans from what is known of them: only what was understood is forwarded."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final, NamedTuple

from flask_onetrace.relay.browser_attributes import (
    MAX_TEXT,
    SERVICE_NAME,
    USER_ID,
    any_value,
    is_of_resource,
    is_of_span,
)
from flask_onetrace.relay.browser_texts import Texts
from flask_onetrace.relay.otlp_protobuf import request_class
from flask_onetrace.relay.otlp_request import (
    SHAPE_ERRORS,
    Event,
    Link,
    MalformedSpansError,
    Reader,
    ResourceSpans,
    ScopeSpans,
    Span,
    TooManySpansError,
)
from flask_onetrace.telemetry.redaction import Redactor

MAX_SPANS: Final = 512
"""A batch of OpenTelemetry's `BatchSpanProcessor` ("Batching processor", Tracing SDK specification)."""
MAX_SCOPES: Final = 128
"""Resources and scopes. A page has one resource, and a scope for each instrumentation."""
MAX_ITEMS: Final = 2_048
"""Attributes, values of arrays, events and links that are read of one request."""
MAX_SPAN_ATTRIBUTES: Final = 64
MAX_OTHER_ATTRIBUTES: Final = 16
"""Of an event, a link or a resource."""
MAX_EVENTS: Final = 32
"""Of one span. A document's load has up to 16."""
MAX_LINKS: Final = 8
MAX_NAME: Final = 256
"""Characters of a name."""

MAX_AGE: Final = 24 * 3600 * 10**9
"""Nanoseconds. A page sends what it has recorded within a second, or when the laptop is opened the next morning."""
MAX_AHEAD: Final = 5 * 60 * 10**9
"""Nanoseconds by which a browser's clock may be fast."""

_TRACE_ID, _SPAN_ID = 16, 8
"""Bytes."""
_KINDS = frozenset({1, 3, 4})
"""Internal, client and producer: a page serves no requests, and what counts servers must not count its spans."""
_STATUS_CODES = frozenset({0, 1, 2})


class Rebuilt(NamedTuple):
    """The protobuf of an `ExportTraceServiceRequest`, and what it holds of the request.

    `dropped` counts by kind: `attributes`, `events`, `links`, and spans as `spans: <reason>`. `reason` is the first.
    """

    body: bytes
    spans: int
    rejected: int
    reason: str | None
    dropped: Counter[str]


class Rebuilder:
    """Rebuilds one request's spans, of the service `name` alone.

    `redact` gets every text, and `user` becomes the `user.id` of every span.
    """

    def __init__(self, reader: Reader, redact: Redactor, name: str, user: str | None) -> None:
        self._reader = reader
        self._name = name
        self._texts = Texts(redact)
        self._user = user
        self._items_left = MAX_ITEMS
        self._dropped: Counter[str] = Counter()
        self._accepted = self._rejected = 0
        self._reason: str | None = None
        now = time.time_ns()
        self._oldest, self._newest = now - MAX_AGE, now + MAX_AHEAD

    def rebuild(self, body: bytes) -> Rebuilt:
        """Return what may be forwarded of `body`.

        Raises `MalformedSpansError` for a body that cannot be parsed or of which all spans are rejected, and
        `TooManySpansError` for one that holds more than a request may.
        """
        try:
            resources = _counted(self._reader.resources(body))
        except (MalformedSpansError, TooManySpansError):
            raise
        except SHAPE_ERRORS as error:
            raise MalformedSpansError("it has another schema") from error
        message = request_class()(resource_spans=list(self._resources(resources)))
        if self._reason is not None and not self._accepted:
            raise MalformedSpansError(self._reason)
        serialized: bytes = message.SerializeToString()
        return Rebuilt(serialized, self._accepted, self._rejected, self._reason, self._dropped)

    def _resources(self, resources: Sequence[tuple[Sequence[Any], Sequence[ScopeSpans]]]) -> Iterator[dict[str, Any]]:
        for raw_attributes, scopes in resources:
            attributes = self._attributes(raw_attributes, is_of_resource, MAX_OTHER_ATTRIBUTES)
            if {"key": SERVICE_NAME, "value": {"string_value": self._name}} not in attributes:
                count = sum(len(scope.spans) for scope in scopes)
                self._reject("service", f"only spans of the service {self._name} are accepted", count)
                continue
            yield {"resource": {"attributes": attributes}, "scope_spans": [self._scope(each) for each in scopes]}

    def _scope(self, scope: ScopeSpans) -> dict[str, Any]:
        name, version = self._texts.text(scope.name, MAX_NAME), self._texts.text(scope.version, MAX_NAME)
        return {"scope": {"name": name, "version": version}, "spans": list(self._spans(scope.spans))}

    def _spans(self, spans: Sequence[Any]) -> Iterator[dict[str, Any]]:
        for raw in spans:
            try:
                span = self._reader.span(raw)
            except SHAPE_ERRORS:
                self._reject("shape", "a span has another schema")
                continue
            if self._is_valid(span):
                self._accepted += 1
                yield self._span(span)

    def _is_valid(self, span: Span) -> bool:
        if not _are_ids(span.trace_id, span.span_id) or len(span.parent_span_id) not in {0, _SPAN_ID}:
            self._reject("ids", "a span's ids must have 16 and 8 bytes (32 and 16 digits), and not be 0")
        elif not span.name:
            self._reject("name", "a span has no name")
        elif not self._oldest <= span.start <= span.end <= self._newest:
            self._reject("time", "a span must end after its start, within the last 24 hours")
        else:
            return True
        return False

    def _span(self, span: Span) -> dict[str, Any]:
        attributes = self._attributes(span.attributes, is_of_span, MAX_SPAN_ATTRIBUTES)
        if self._user is not None:
            attributes.append({"key": USER_ID, "value": {"string_value": self._texts.text(self._user, MAX_NAME)}})
        return {
            "trace_id": span.trace_id,
            "span_id": span.span_id,
            "parent_span_id": span.parent_span_id,
            "name": self._texts.text(span.name, MAX_NAME),
            "kind": span.kind if span.kind in _KINDS else 0,
            "start_time_unix_nano": span.start,
            "end_time_unix_nano": span.end,
            "attributes": attributes,
            "events": self._items("events", span.events, MAX_EVENTS, self._event),
            "links": self._items("links", span.links, MAX_LINKS, self._link),
            "status": {
                "code": span.status_code if span.status_code in _STATUS_CODES else 0,
                "message": self._texts.text(span.status_message, MAX_TEXT),
            },
        }

    def _event(self, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - as the encoding has it
        event: Event = self._reader.event(raw)
        if not self._oldest <= event.time <= self._newest or not event.name:
            raise ValueError("not an event")
        attributes = self._attributes(event.attributes, is_of_span, MAX_OTHER_ATTRIBUTES)
        return {"name": self._texts.text(event.name, MAX_NAME), "time_unix_nano": event.time, "attributes": attributes}

    def _link(self, raw: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
        link: Link = self._reader.link(raw)
        if not _are_ids(link.trace_id, link.span_id):
            raise ValueError("not a link")
        attributes = self._attributes(link.attributes, is_of_span, MAX_OTHER_ATTRIBUTES)
        return {"trace_id": link.trace_id, "span_id": link.span_id, "attributes": attributes}

    def _attributes(
        self, attributes: Sequence[Any], is_allowed: Callable[[str], bool], limit: int
    ) -> list[dict[str, Any]]:
        keys = set[str]()

        def attribute(raw: Any) -> dict[str, Any]:  # noqa: ANN401 - as above
            key, value = self._reader.attribute(raw)
            if not is_allowed(key) or key in keys:
                raise ValueError("not an attribute of a browser")
            if isinstance(value, list):
                self._items_left -= len(value)
            rebuilt = {"key": key, "value": any_value(self._texts.value(key, value))}
            keys.add(key)
            return rebuilt

        return self._items("attributes", attributes, limit, attribute)

    def _items(
        self, kind: str, items: Sequence[Any], limit: int, rebuild: Callable[[Any], dict[str, Any]]
    ) -> list[dict[str, Any]]:
        """Rebuild the first items, and count those that are dropped."""
        rebuilt = []
        if items:
            read = min(limit, len(items), max(0, self._items_left))
            self._items_left -= read
            for raw in islice(items, read):
                try:
                    rebuilt.append(rebuild(raw))
                except SHAPE_ERRORS:
                    continue
            self._dropped[kind] += len(items) - len(rebuilt)
        return rebuilt

    def _reject(self, reason: str, message: str, count: int = 1) -> None:
        self._rejected += count
        self._dropped[f"spans: {reason}"] += count
        self._reason = self._reason or message


def _counted(resources: Iterator[ResourceSpans]) -> list[tuple[Sequence[Any], list[ScopeSpans]]]:
    """Return the resources with their scopes. Raises `TooManySpansError` before a span is read."""
    counted: list[tuple[Sequence[Any], list[ScopeSpans]]] = []
    scope_count = span_count = 0
    for resource in resources:
        scopes: list[ScopeSpans] = []
        counted.append((resource.attributes, scopes))
        scope_count += 1
        for scope in resource.scopes:
            scopes.append(scope)
            scope_count += 1
            span_count += len(scope.spans)
            if span_count > MAX_SPANS:
                raise TooManySpansError(f"more than {MAX_SPANS} spans")
            if scope_count > MAX_SCOPES:
                raise TooManySpansError(f"more than {MAX_SCOPES} resources and scopes")
        if scope_count > MAX_SCOPES:
            raise TooManySpansError(f"more than {MAX_SCOPES} resources and scopes")
    return counted


def _are_ids(trace_id: bytes, span_id: bytes) -> bool:
    return len(trace_id) == _TRACE_ID and any(trace_id) and len(span_id) == _SPAN_ID and any(span_id)
