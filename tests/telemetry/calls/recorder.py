"""Run library calls within a request, and return the spans and subsegments that they export."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from flask import Flask

from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.segments import get_trace_id, segment_of, validate
from tests.telemetry.tracing import flush


class Exported(NamedTuple):
    """What one request exported: the spans and subsegments within it, in the order of their start, and its segment."""

    spans: list[Document]
    subsegments: list[Document]
    segment: Document

    @property
    def one(self) -> tuple[Document, Document]:
        """The only span and the only subsegment."""
        [span], [subsegment] = self.spans, self.subsegments
        return span, subsegment


class CallRecorder:
    """An app with one route, which runs the calls of a test."""

    def __init__(self, app: Flask, backends: FakeBackends) -> None:
        self.app, self.backends = app, backends
        self._call: Callable[[], object] = int
        app.add_url_rule("/call", view_func=self._view)

    def _view(self) -> str:
        self._call()
        return "ok"

    def record(self, call: Callable[[], object], status: int = 200) -> Exported:
        """Run `call` within a request that must have `status`."""
        self._call = call
        trace_id = get_trace_id(self.app, "/call", status)
        flush(self.app)
        segment = segment_of(self.backends, trace_id)
        validate(segment)
        spans = sorted(self.backends.spans(trace_id), key=lambda span: int(span["start_ns"]))
        inner = [span for span in spans if span["kind"] != "server"]
        return Exported(inner, segment.get("subsegments", []), segment)
