"""Let Rollbar's SDK build items, and intercept each before the SDK would send it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Literal

import rollbar
from rollbar.lib import events
from rollbar.logger import RollbarHandler

from flask_onetrace.telemetry.observed_apps import current_redactor
from flask_onetrace.telemetry.sinks.rollbar import local_variables
from flask_onetrace.telemetry.sinks.rollbar.duplicates import BY_APPLICATION, BY_TELEMETRY, is_reported, note
from flask_onetrace.telemetry.sinks.rollbar.redacted import redact_item

_ROOT = str(Path(__file__).resolve().parents[3])
_LAST = 1_000_000
"""A position behind all handlers."""
_lock = threading.Lock()
_ready = threading.Event()


class Collector:
    """The result of one call of the SDK: the item, or none where a filter of the application's dropped it."""

    def __init__(self) -> None:
        self.passed = False
        """Whether every filter let the exception pass."""
        self.item: dict[str, Any] | None = None


_collector: ContextVar[Collector | None] = ContextVar("rollbar-collector", default=None)


def prepare(route: Callable[[dict[str, Any]], None]) -> None:
    """Initialise Rollbar's SDK once in the process, and give its items to `route`.

    The SDK keeps one global token, which two apps in a process would share. So it gets none: each item is intercepted
    before the SDK would send it.
    """
    with _lock:
        if _ready.is_set():
            return
        rollbar.init(
            "given-per-app",
            root=_ROOT,
            allow_logging_basic_config=False,
            suppress_reinit_warning=True,
        )
        # Private: the SDK walks through all of a collection, and shows ten of its values; it shortens texts, within
        # which a secret would not be recognised any more; and what it scrubs is the application's choice.
        rollbar._serialize_frame_data = local_variables.bounded(rollbar._serialize_frame_data, current_redactor)
        rollbar._build_payload = _redacting(rollbar._build_payload)
        RollbarHandler.emit = _with_stack(RollbarHandler.emit)  # type: ignore[method-assign]  # once in the process
        events.add_exception_info_handler(_mark_passed, _LAST)
        events.add_payload_handler(lambda payload, **_: _intercept(payload, route))
        _ready.set()


def _redacting(build_payload: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:  # noqa: ANN401 - the SDK types it by its name
    return lambda data: build_payload(redact_item(data, current_redactor(), but_frames=True))


def _with_stack(emit: Callable[[Any, logging.LogRecord], None]) -> Callable[[Any, logging.LogRecord], None]:
    """Return `emit` of the SDK's log handler, which leaves out the stack of a record with `stack_info=True`."""

    def emit_with_stack(handler: Any, record: logging.LogRecord) -> None:  # noqa: ANN401 - the SDK publishes no types
        extra = vars(record).get("extra_data", {})
        if record.stack_info is not None and isinstance(extra, dict):
            # A copy: other handlers get the application's own.
            record = logging.makeLogRecord({**vars(record), "extra_data": {"stack_info": record.stack_info, **extra}})
        emit(handler, record)

    return emit_with_stack


def build(exc_info: tuple[Any, Any, Any], **fields: Any) -> Collector:  # noqa: ANN401 - `report_exc_info`'s own arguments
    """Build one item as `rollbar.report_exc_info` would send it. Runs the application's filters; never raises."""
    collector = Collector()
    token = _collector.set(collector)
    try:
        rollbar.report_exc_info(exc_info, **fields)
    finally:
        _collector.reset(token)
    return collector


def _mark_passed(exc_info: tuple[Any, Any, Any], **_: object) -> tuple[Any, Any, Any] | Literal[False]:
    """Note that every filter before this one has let the exception pass: the SDK is about to build its item.

    False keeps it from that, for an exception that application code reports after telemetry.
    """
    collector = _collector.get()
    if collector is not None:
        collector.passed = True
    elif is_reported(exc_info[1], BY_TELEMETRY):
        return False
    else:
        note(exc_info[1], BY_APPLICATION)
    local_variables.begin_item()
    return exc_info


def _intercept(payload: dict[str, Any], route: Callable[[dict[str, Any]], None]) -> bool:
    """Give the item to `build` if that is running, else to `route`. False keeps the SDK from sending it."""
    local_variables.end_item()
    collector = _collector.get()
    if collector is not None:
        collector.item = payload["data"]
    else:
        route(payload)
    return False
