"""Note an exception on its span without printing the traceback on the request's thread."""

from __future__ import annotations

from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, SpanLimits
from opentelemetry.semconv.attributes.exception_attributes import (
    EXCEPTION_ESCAPED,
    EXCEPTION_MESSAGE,
    EXCEPTION_STACKTRACE,
    EXCEPTION_TYPE,
)

from service.telemetry.spans.exceptions import Told


class ExceptionEvent(Event):
    """What `Span.record_exception` adds, its traceback printed when the event is read."""

    def __init__(self, error: BaseException, told: Told, limits: SpanLimits) -> None:
        super().__init__("exception")
        kind = type(error)
        named = kind.__module__ not in ("builtins", None)
        self._kind = f"{kind.__module__}.{kind.__qualname__}" if named else kind.__qualname__
        self._message = str(error)
        self._told = told
        self._limits = limits

    @property
    def attributes(self) -> Any:  # noqa: ANN401 - as the SDK has it
        """The type, message and traceback ("Semantic conventions for exceptions on spans", OpenTelemetry)."""
        if self._attributes is None:
            said = {
                EXCEPTION_TYPE: self._kind,
                EXCEPTION_MESSAGE: self._message,
                EXCEPTION_STACKTRACE: self._told.text(),
                EXCEPTION_ESCAPED: "False",
            }
            limits = self._limits
            self._attributes = BoundedAttributes(
                limits.max_event_attributes, said, max_value_len=limits.max_attribute_length
            )
        return self._attributes
