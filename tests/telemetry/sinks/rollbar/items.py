"""A route that raises, and the item that Rollbar receives for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask

from flask_onetrace.telemetry import EXTENSION
from tests.telemetry.backends import Document, FakeBackends, eventually
from tests.telemetry.segments import get_trace_id


class ReprProbe:
    """A local variable that calls back when Rollbar's SDK reads its text."""

    def __init__(self, on_read: Callable[[], str]) -> None:
        self._on_read = on_read

    def __rollbar_repr__(self) -> str:
        return self._on_read()


def add_failing_route(app: Flask, fail: Callable[[], object]) -> None:
    app.add_url_rule("/raising", "raising", fail, methods=["GET", "POST"])  # type: ignore[arg-type]  # it never returns


def item_of(backends: FakeBackends, trace_id: str) -> Document:
    """Return the only item of the trace, once it has arrived."""
    [item] = eventually(lambda: backends.items(trace_id), 1)
    return item


def item_of_failure(app: Flask, backends: FakeBackends) -> Document:
    """Request the failing route; return its item."""
    trace_id = get_trace_id(app, "/raising", 500)
    assert app.extensions[EXTENSION].flush(30)
    [item] = backends.items(trace_id)
    return item


def exception_trace(item: Document) -> Document:
    body = item["body"]
    trace: Document = body["trace_chain"][0] if "trace_chain" in body else body["trace"]
    return trace


def queue_counts(app: Flask) -> Any:  # noqa: ANN401 - the queue's own
    [sink] = [sink for sink in app.extensions[EXTENSION].sinks if sink.name == "rollbar"]
    return sink.queue.counts


def mask_scrubbed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Replace each scrubbed value, whose length the SDK randomizes, with `***`."""
    if isinstance(value, dict):
        return {key: mask_scrubbed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [mask_scrubbed(each) for each in value]
    return "***" if isinstance(value, str) and value and not value.strip("*") else value


def raise_(error: Exception) -> NoReturn:
    raise error
