"""Let Rollbar's SDK build items, and intercept each before the SDK would send it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextvars import ContextVar
from functools import partial, wraps
from pathlib import Path
from typing import Any, Literal

import rollbar
from rollbar.lib import events
from rollbar.logger import RollbarHandler

from flask_onetrace.telemetry.observed_apps import current_redactor
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sinks.rollbar import capture, local_variables
from flask_onetrace.telemetry.sinks.rollbar.duplicates import BY_APPLICATION, BY_TELEMETRY, is_reported, note
from flask_onetrace.telemetry.sinks.rollbar.redacted import redact_item

logger = safe_logger(__name__)

ExcInfo = tuple[Any, Any, Any]
_ROOT = str(Path(__file__).resolve().parents[3])
_NO_TOKEN = "given-per-app"  # noqa: S105 - the opposite
_SETTINGS = ("access_token", "allow_logging_basic_config", "environment", "root")
"""The SDK's settings that `prepare` sets, until the application calls `rollbar.init`."""
_LAST = 1_000_000
"""A position behind those of all other handlers."""
_lock = threading.Lock()
_ready = threading.Event()


class Collector:
    """The result of one call of the SDK: the item, or none where a filter of the application's dropped it."""

    def __init__(self) -> None:
        self.passed = False
        """Whether every filter let the exception pass."""
        self.item: dict[str, Any] | None = None


_collector: ContextVar[Collector | None] = ContextVar("rollbar-collector", default=None)


def prepare(route: Callable[[dict[str, Any]], None], is_own: Callable[[str], bool]) -> None:
    """Prepare Rollbar's SDK once in the process, and give `route` the items that the application reports by it.

    The SDK keeps one global token, which two apps in a process would share. So it gets none: each item is intercepted
    before the SDK would send it. An application that initialises the SDK itself, before or later, keeps its settings;
    its own handler sends what it reports to another project. `is_own` says whether a token is that of the current app.
    """
    with _lock:
        if _ready.is_set():
            return
        if not rollbar._initialized:
            settings: Any = rollbar.SETTINGS  # by names that its type does not know
            defaults = {name: settings[name] for name in _SETTINGS}
            rollbar.init(_NO_TOKEN, root=_ROOT, allow_logging_basic_config=False)
            # Private: the SDK ignores a second call, which would be the application's first.
            rollbar._initialized = False
            rollbar.init = _by_application(rollbar.init, defaults, partial(_add_handlers, route, is_own))
        rollbar._check_config = _always_for_telemetry(rollbar._check_config)
        # Private: the SDK walks through all of a collection, and shows ten of its values; it shortens texts, within
        # which a secret would not be recognised any more; and what it scrubs is the application's choice.
        rollbar._serialize_frame_data = local_variables.bounded(rollbar._serialize_frame_data, current_redactor)
        rollbar._build_payload = _redacting(rollbar._build_payload)
        RollbarHandler.emit = _with_stack(RollbarHandler.emit)  # type: ignore[method-assign]  # once in the process
        _add_handlers(route, is_own)
        _ready.set()


def other_project(is_own: Callable[[str], bool]) -> str | None:
    """Return the warning for an application that has initialised the SDK for another project, None for all others."""
    if _is_same_project(is_own):
        return None
    return (
        "the application has called rollbar.init() with another token than ROLLBAR_ACCESS_TOKEN: what it reports goes"
        " to that project, as it has configured, with the ids of the trace; unhandled exceptions go to the project of"
        " ROLLBAR_ACCESS_TOKEN too"
    )


def _is_same_project(is_own: Callable[[str], bool]) -> bool:
    token: str | None = rollbar.SETTINGS["access_token"]
    return token in (None, _NO_TOKEN) or is_own(token)


def _by_application(init: Callable[..., None], defaults: Any, add_handlers: Callable[[], str | None]) -> Any:  # noqa: ANN401 - the SDK types it by its name
    """Return a `rollbar.init` whose first call by the application has full effect, as the SDK ignores a second one."""

    @wraps(init)
    def init_by_application(*args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's own
        is_first = not rollbar._initialized
        if is_first:
            rollbar.SETTINGS.update(defaults)
        init(*args, **kwargs)
        if is_first and (warning := add_handlers()) is not None:  # the call has removed them
            logger.warning("%s", warning)

    return init_by_application


def _always_for_telemetry(check_config: Callable[[], bool]) -> Callable[[], bool]:
    """Return a `_check_config` with which `enabled=False` disables the application's own reports alone."""
    return lambda: _collector.get() is not None or check_config()


def _add_handlers(route: Callable[[dict[str, Any]], None], is_own: Callable[[str], bool]) -> str | None:
    """Add the SDK's handlers of exceptions and items, and return the warning of `other_project`."""

    def on_exception(exc_info: ExcInfo, **_: object) -> ExcInfo | Literal[False]:
        return _mark_passed(exc_info, _is_same_project(is_own))

    def on_payload(payload: dict[str, Any], **_: object) -> dict[str, Any] | Literal[False]:
        return _intercept(payload, route if _is_same_project(is_own) else None)

    events.add_exception_info_handler(on_exception, _LAST)
    events.add_payload_handler(on_payload)
    return other_project(is_own)


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


def _mark_passed(exc_info: ExcInfo, is_same_project: bool) -> ExcInfo | Literal[False]:  # noqa: FBT001 - of one caller
    """Note that every filter before this one has let the exception pass: the SDK is about to build its item.

    False keeps it from that, for an exception that application code reports to the same project after telemetry.
    """
    collector = _collector.get()
    if collector is not None:
        collector.passed = True
    elif is_same_project:
        if is_reported(exc_info[1], BY_TELEMETRY):
            return False
        note(exc_info[1], BY_APPLICATION)
    local_variables.begin_item()
    return exc_info


def _intercept(
    payload: dict[str, Any], route: Callable[[dict[str, Any]], None] | None
) -> dict[str, Any] | Literal[False]:
    """Give the item to `build` if that is running, else to `route`. False keeps the SDK from sending it.

    One for another project has no `route`: it gets the ids of the trace, and the SDK sends it.
    """
    local_variables.end_item()
    collector = _collector.get()
    if collector is not None:
        collector.item = payload["data"]
    elif route is None:
        capture.add_trace(payload["data"])
        return payload
    else:
        route(payload)
    return False
