"""Describe the provider of a span, as far as the span needs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits

from flask_onetrace.telemetry.redaction import Redactor


class SpanProvider(Protocol):
    """What a span needs of the provider that started it."""

    resource: Resource
    limits: SpanLimits
    max_plain_attributes: int
    """How many attributes a span may hold in a plain dict."""
    max_text: int
    """Characters of an attribute's value."""
    redact: Redactor

    @property
    def start(self) -> Callable[..., trace.Span]:
        """Start a span."""

    def on_end(self, span: Any) -> None:  # noqa: ANN401 - the span's own class, which imports this module
        """Give `span`, which has ended, to the processors."""
