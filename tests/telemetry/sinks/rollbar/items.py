"""A handler that raises, and the item that Rollbar gets of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Flask

from service.telemetry import EXTENSION
from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.segments import get_trace_id


class Shown:
    """A local variable that Rollbar's SDK asks for its text."""

    def __init__(self, look: Callable[[], str]) -> None:
        self._look = look

    def __rollbar_repr__(self) -> str:
        return self._look()


def raising(app: Flask, fail: Callable[[], object]) -> None:
    app.add_url_rule("/raising", "raising", fail, methods=["GET", "POST"])  # type: ignore[arg-type]  # it never returns


def item_of_failing(app: Flask, backends: FakeBackends) -> Document:
    trace_id = get_trace_id(app, "/raising", 500)
    assert app.extensions[EXTENSION].flush(30)
    [item] = backends.items(trace_id)
    return item


def trace_of(item: Document) -> Document:
    body = item["body"]
    found: Document = body["trace_chain"][0] if "trace_chain" in body else body["trace"]
    return found


def counts(app: Flask) -> Any:  # noqa: ANN401 - the queue's own
    [sink] = [sink for sink in app.extensions[EXTENSION].sinks if sink.name == "rollbar"]
    return sink.queue.counts


def unstarred(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Mask what the SDK makes as long as chance will have it."""
    if isinstance(value, dict):
        return {key: unstarred(each) for key, each in value.items()}
    if isinstance(value, list):
        return [unstarred(each) for each in value]
    return "***" if isinstance(value, str) and value and not value.strip("*") else value


def raise_(error: Exception) -> NoReturn:
    raise error
