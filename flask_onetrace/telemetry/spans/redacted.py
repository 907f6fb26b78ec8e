"""Redact and bound the name and the attributes of a span when it ends, and name the span of a library call."""

from __future__ import annotations

from collections.abc import Mapping
from sys import getsizeof
from time import time_ns
from types import MappingProxyType
from typing import Any

from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Span, SpanLimits

from flask_onetrace.telemetry.plain import INTEGERS, nanoseconds, text, type_name
from flask_onetrace.telemetry.redaction import REDACTED, SHORT
from flask_onetrace.telemetry.redaction.copies import Copier, hidden
from flask_onetrace.telemetry.redaction.limits import MAX_NAME, MAX_TEXTS
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.calls import take_call
from flask_onetrace.telemetry.spans.provider import SpanProvider
from flask_onetrace.telemetry.spans.unsampled import OUTGOING

logger = safe_logger(__name__)

_PLAIN_SIZE = 1_300
"""Bytes that a span with a few short attributes keeps alive."""
_SHORT_TEXTS = 500
"""Characters in all attributes of a span with short ones."""
LARGE = _PLAIN_SIZE + _SHORT_TEXTS
"""The size from which on a span keeps more alive than a few short texts."""
_INTERNAL = trace.SpanKind.INTERNAL
_NOTHING: Mapping[str, str] = MappingProxyType({})


class RedactedSpan(Span):
    """The part of a span that holds name and attributes, which are redacted once, when the span ends."""

    provider: SpanProvider
    # Class attributes hold what most spans never set.
    _end_time: int | None = None
    _attributes: Any
    size = _PLAIN_SIZE
    """An estimate of the bytes that it keeps alive."""
    keeps_name = False
    """Whether the application has named it, though it is a call: it is not named after the call."""

    @property
    def _limits(self) -> SpanLimits:
        return self.provider.limits

    def _copier(self) -> Copier:
        return self.provider.redact.copier(text, self.provider.max_text, strict=True)

    def _bounded_attributes(self) -> BoundedAttributes:
        """Return the SDK's collection, which has the attributes from now on."""
        current = self._attributes
        if isinstance(current, BoundedAttributes):
            return current
        limits = self.provider.limits
        bounded = BoundedAttributes(
            limits.max_span_attributes, current, immutable=False, max_value_len=limits.max_span_attribute_length
        )
        self._attributes = bounded
        return bounded

    def _time_or_now(self, time: Any) -> int:  # noqa: ANN401 - any value
        """Return a time in nanoseconds since the epoch; in place of any other value, counted and logged, now."""
        checked = nanoseconds(time)
        if checked is not None:
            return checked
        self._bounded_attributes().dropped += 1
        logger.warning("a time of type %s is replaced by now: spans take nanoseconds since 1970", type_name(time))
        return time_ns()

    def _redact(self) -> None:
        """Replace the secrets in name and attributes, and cut what is too long: once, when the span ends."""
        taken = self._take_call() if self._kind is not _INTERNAL else _NOTHING
        redact, attributes, name = self.provider.redact, self._attributes, self._name
        # A short text is looked up without a further call: most spans have nothing else.
        is_short = type(name) is str and len(name) <= SHORT  # most are: they take no further call
        self._name = redact.short_text(name) if is_short else redact.text(name, MAX_NAME)
        if type(attributes) is not dict:
            self._redact_all()
        elif attributes:
            copy = redact.small_copy(attributes)
            if copy is not None:
                self._attributes = copy
            else:
                self._redact_plain(attributes)
        if taken is not _NOTHING:
            for key, value in taken.items():
                self._attributes[key] = value
                self.size += len(value)

    def _take_call(self) -> Mapping[str, str]:
        """Name the span after its call, and take the attributes that are set when the others have been redacted."""
        if type(self._kind) is not trace.SpanKind:
            self._kind = _INTERNAL
        elif self._kind in OUTGOING:
            name, taken = take_call(self._name, self._attributes, self._status, self.provider)
            if not self.keeps_name:
                self._name = name
            return taken
        return _NOTHING

    def become_call(self, *, keeps_name: bool) -> None:
        """Make the span a client's: the code that it spans has turned out to be a call."""
        if self._kind is _INTERNAL:
            self._kind = trace.SpanKind.CLIENT
        self.keeps_name = keeps_name

    def _redact_plain(self, attributes: dict[str, Any]) -> None:
        redact, limit = self.provider.redact, self.provider.max_text
        size = 0
        for key, value in tuple(attributes.items()):  # another thread may be about to set one
            redaction = redact.of(key) if len(key) <= MAX_NAME else None
            kind = type(value)
            if redaction is None or (kind is int and value not in INTEGERS):
                self._redact_all()
                return
            if kind is str:
                if (shown := redaction(value, limit)) is not value:
                    attributes[key] = shown
                size += len(shown)
            elif redaction is hidden and kind is not bool:
                attributes[key] = REDACTED
        if size > MAX_TEXTS:
            self._redact_all()
        else:
            # A character takes up to four bytes, which is counted only where texts are long enough to matter.
            self.size += size if size < _SHORT_TEXTS else sum(map(getsizeof, attributes.values()))

    def _redact_all(self) -> None:
        """Copy the attributes, names included, as far as the limit of all texts together allows."""
        attributes, copier = self._attributes, self._copier()
        self._attributes = copy_of(attributes, copier, immutable=False)
        self._attributes.dropped += getattr(attributes, "dropped", 0)
        self.size += copier.size


def copy_of(
    attributes: Any,  # noqa: ANN401 - any value: what is no mapping counts as one that was dropped
    copier: Copier,
    limit: int | None = None,
    max_length: int | None = None,
    *,
    immutable: bool = True,
) -> BoundedAttributes:
    """Return a copy of `attributes` that every sink can encode; what cannot be encoded is left out, and counted."""
    copy = BoundedAttributes(limit, copier.mapping(attributes), immutable=immutable, max_value_len=max_length)
    copy.dropped += copier.dropped if issubclass(type(attributes), Mapping) else 1
    return copy
