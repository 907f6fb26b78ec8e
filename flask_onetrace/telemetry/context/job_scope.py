"""The telemetry state of a job: a cron job, a CLI command, the consumer of a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from flask_onetrace.telemetry.context.trace_scope import AppTelemetry, TraceScope
from flask_onetrace.telemetry.current_context import EMPTY_CONTEXT
from flask_onetrace.telemetry.redaction.limits import MAX_PATH
from flask_onetrace.telemetry.sampling.rule import JOB_METHOD
from flask_onetrace.telemetry.spans.unsampled import ended

if TYPE_CHECKING:
    from flask_onetrace.telemetry.spans.tracer import RootArguments

_PLAIN_SIZE: Final = 1_000
"""Bytes that a scope keeps alive, and its span."""


class JobScope(TraceScope):
    """The telemetry of one root span outside any request, and of everything within it.

    `on_end` is called before the root span ends.
    """

    method = JOB_METHOD
    host = client_address = ""
    is_complete = False

    def __init__(
        self, telemetry: AppTelemetry, root: RootArguments, trace_hex: str, on_end: Callable[[JobScope], None]
    ) -> None:
        self.telemetry = telemetry
        self.root = root
        self.trace_hex = trace_hex
        self.base = EMPTY_CONTEXT
        self.path = telemetry.redact.text(root.name, MAX_PATH)
        self.size = _PLAIN_SIZE
        self.user_id = self.error = self.hint = None
        self.sampled = self.is_decided = False
        self.extras = {}
        self._on_end = on_end

    def complete(self) -> None:
        """Record on the root span, which is about to end, what is known of it."""
        if not self.is_complete:
            self.is_complete = True
            self._on_end(self)

    def end_unsampled(self) -> None:
        """End an unrecorded root span; if the job failed and is kept, record it with its failed inner spans."""
        self.complete()
        if self.span.is_recording():  # it was replaced
            self.span.end()
        else:
            self.release()

    def release(self) -> None:
        """Drop what the sinks have been given: the span too, which refers to this scope."""
        super().release()
        self.span = ended(self.span)
