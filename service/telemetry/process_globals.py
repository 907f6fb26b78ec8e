"""Open the process's global doors once, and lead each call to the app whose request it belongs to.

OpenTelemetry's tracer provider and propagator, Python's root logger and the X-Ray SDK's recorder are one
per process; apps are not. So each global is a door that looks at the current request's scope.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING

from opentelemetry import propagate, trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from service.contract import ACCESS_LOGGER
from service.telemetry.context.propagation import OutgoingHeaders
from service.telemetry.context.request_scope import current_scope
from service.telemetry.export import queue
from service.telemetry.spans.tracer import AppTracer, AppTracerProvider
from service.telemetry.xray_sdk import context

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context
    from opentelemetry.util.types import Attributes

    from service.telemetry.telemetry import Telemetry

_OURS = "service."
_TALKATIVE = ("botocore", "boto3", "urllib3", "rollbar")
"""Libraries of the sinks whose INFO lines would be billed and read by nobody."""


class _State:
    """The app created last, for code that runs outside any request, and whether the doors are open."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.latest: Callable[[], Telemetry | None] = lambda: None
        self.opened = False


_state = _State()


def open_for(telemetry: Telemetry) -> None:
    """Open the doors if this is the first app, and lead calls from outside requests to `telemetry`."""
    with _state.lock:
        _state.latest = weakref.ref(telemetry)
        logging.getLogger().setLevel(telemetry.settings.log_level)
        if _state.opened:
            return
        _state.opened = True
        trace.set_tracer_provider(ScopedTracerProvider())
        propagate.set_global_textmap(OutgoingHeaders())
        logging.getLogger().addHandler(ScopedLogHandler())
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        context.install()
        # The only way to the stable HTTP conventions: the instrumentation takes no parameter for them.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        RequestsInstrumentor().instrument()


def close_for(telemetry: Telemetry) -> None:
    """Stop leading calls from outside requests to `telemetry`."""
    with _state.lock:
        if _state.latest() is telemetry:
            _state.latest = lambda: None


def current() -> Telemetry | None:
    """Return the telemetry of the running request; outside one, that of the app created last."""
    scope = current_scope()
    return scope.telemetry if scope is not None else _state.latest()


class ScopedTracerProvider(trace.TracerProvider):
    """Give out tracers that start their spans with the current app's provider."""

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> trace.Tracer:
        """Return a tracer that may be kept in a module for good."""
        named = InstrumentationScope(
            instrumenting_module_name, instrumenting_library_version or "", schema_url, attributes
        )
        return AppTracer(named, _provider_of)


def _provider_of(context: Context | None) -> AppTracerProvider | None:
    scope = current_scope(context)
    telemetry = scope.telemetry if scope is not None else _state.latest()
    return telemetry.provider if telemetry is not None else None


class ScopedLogHandler(logging.Handler):
    """Hand each record to the log handlers of the current app."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Hand `record` on, unless it is a library's chatter about sending telemetry: that would never end.

        Without the lock that `logging.Handler` takes: each app's handlers see to their own.
        """
        if record.name == ACCESS_LOGGER or (queue.is_sending_thread() and not record.name.startswith(_OURS)):
            return False  # the access line has been told already
        telemetry = current()
        if telemetry is not None:
            for handler in telemetry.log_handlers:
                handler.handle(record)
        return True
