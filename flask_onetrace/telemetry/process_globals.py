"""Install the process globals once, and route each call to the app whose request it belongs to.

OpenTelemetry's tracer provider and propagator and Python's root logger are process globals; apps are not. So each
global looks at the current request's scope.
"""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING, Any

from opentelemetry import propagate, trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry import instrumentations
from flask_onetrace.telemetry.context.propagation import TraceContextPropagator
from flask_onetrace.telemetry.context.trace_scope import SCOPE_KEY, AppTelemetry, current_scope
from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.export.threads import is_export_thread
from flask_onetrace.telemetry.instrumentations.database import DriverTracer, is_driver
from flask_onetrace.telemetry.redaction import NO_SECRETS, Redactor
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.tracer import AppTracer, AppTracerProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.util.types import Attributes


logger = safe_logger(__name__)

_OWN_LOGGERS = f"{__name__.partition('.')[0]}."
_VERBOSE_LOGGERS = ("botocore", "boto3", "urllib3", "rollbar")
"""Libraries of the sinks whose INFO lines would be billed without being of use."""


class _State:
    """The apps that there are, for code that runs outside any request, and whether the globals are installed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.apps: tuple[Callable[[], AppTelemetry | None], ...] = ()
        self.processors: tuple[SpanProcessor, ...] = ()
        """Those that the application has added to the process's provider."""
        self.is_prepared = False
        self.is_installed = False
        self._application_level = self._root_level = logging.getLogger().level
        """The level of the root logger that the application has set, and the one that was set here."""

    def set_root_level(self) -> None:
        """Let the root logger pass what the application lets pass, and what any app's sinks take."""
        root = logging.getLogger()
        if root.level != self._root_level:
            self._application_level = root.level
        apps = (reference() for reference in self.apps)
        levels = [telemetry.log_level for telemetry in apps if telemetry is not None]
        self._root_level = min(self._application_level, *levels) if levels else self._application_level
        root.setLevel(self._root_level)

    def latest(self) -> AppTelemetry | None:
        """Return the app that was created last, of those that are not freed and not shut down."""
        for reference in reversed(self.apps):
            if (telemetry := reference()) is not None:
                return telemetry
        return None


def prepare(disabled_instrumentations: Collection[str]) -> None:
    """Install the tracer provider, the propagator and the instrumentations, once.

    Before the application is imported, what it creates at import is instrumented too, as a database engine.
    """
    with _state.lock:
        if _state.is_prepared:
            return
        _state.is_prepared = True
        trace.set_tracer_provider(ScopedTracerProvider())
        propagate.set_global_textmap(TraceContextPropagator())
    # Without the lock: other threads may hold import locks that this needs.
    instrumentations.install(disabled_instrumentations, _baggage_hosts)


def install(telemetry: AppTelemetry) -> None:
    """Install the globals with the first app, and route calls from outside requests to `telemetry`."""
    with _state.lock:
        _state.apps = (*(each for each in _state.apps if each() is not None), weakref.ref(telemetry))
        for each in _state.processors:
            telemetry.provider.add_span_processor(each)
        _state.set_root_level()
        if not _state.is_installed:
            _state.is_installed = True
            _install_logging()
    prepare(telemetry.config.disabled_instrumentations)


def _install_logging() -> None:
    logging.getLogger().addHandler(log_handler)
    for name in _VERBOSE_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    if log_handler.was_closed:  # the application has configured logging at its import, after this module's
        log_handler.watch()
        for logger_of_ours in _loggers_of(_OWN_LOGGERS):
            logger_of_ours.disabled = False


def restore_logging(access_logger: logging.Logger, package: str) -> None:
    """Undo what `logging.config` does to this module's handler and loggers if it runs after the app is created.

    The loggers are ours and those of the application's `package`.

    By default it disables every logger that exists, and replaces the handlers of the root logger.
    """
    log_handler.watch()
    root = logging.getLogger()
    loggers = {access_logger, *_loggers_of(_OWN_LOGGERS, f"{package}.")}
    if log_handler in root.handlers and not any(each.disabled for each in loggers):
        return
    with _state.lock:
        if log_handler not in root.handlers:
            root.addHandler(log_handler)
        for each in loggers:
            each.disabled = False
    logger.warning(
        "logging was configured after the app was created, which silenced the application's lines: they are on again."
        " Configure logging first, or with disable_existing_loggers=False"
    )


def _loggers_of(*packages: str) -> list[logging.Logger]:
    """Return the loggers that there are of `packages`, each with a dot at its end."""
    names = tuple(logging.getLogger().manager.loggerDict)
    return [logging.getLogger(name) for name in names if f"{name}.".startswith(packages)]


def release(telemetry: AppTelemetry) -> None:
    """Stop routing calls from outside requests to `telemetry`."""
    with _state.lock:
        _state.apps = tuple(each for each in _state.apps if each() not in (None, telemetry))
        _state.set_root_level()


def current_telemetry() -> AppTelemetry | None:
    """Return the telemetry of the running request; outside one, that of the app created last."""
    scope = current_scope()
    return scope.telemetry if scope is not None else _state.latest()


def _baggage_hosts() -> frozenset[str]:
    telemetry = current_telemetry()
    return telemetry.config.baggage_hosts if telemetry is not None else frozenset()


def current_redactor() -> Redactor:
    """Return that of the current app; without one, one that knows names and shapes alone."""
    telemetry = current_telemetry()
    return telemetry.redact if telemetry is not None else NO_SECRETS


class ScopedTracerProvider(trace.TracerProvider):
    """Create tracers that start their spans with the current app's provider.

    It has the methods of the SDK's provider, which an application takes it for that sets up OpenTelemetry itself.
    """

    def add_span_processor(self, processor: SpanProcessor) -> None:
        """Pass the spans of every app to `processor`, also of those to come."""
        with _state.lock:
            _state.processors += (processor,)
            for reference in _state.apps:
                if (telemetry := reference()) is not None:
                    telemetry.provider.add_span_processor(processor)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the added processors export their spans."""
        return not [each for each in _state.processors if not each.force_flush(timeout_millis)]

    def shutdown(self) -> None:
        """Shut the added processors down."""
        for each in _state.processors:
            each.shutdown()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> trace.Tracer:
        """Return a tracer that a module may keep forever."""
        instrumentation = InstrumentationScope(
            instrumenting_module_name, instrumenting_library_version or "", schema_url, attributes
        )
        tracer = DriverTracer if is_driver(instrumenting_module_name) else AppTracer
        return tracer(instrumentation, _provider_of)


def _provider_of(context: Context | None) -> AppTracerProvider | None:
    scope = current_scope(context)
    telemetry = scope.telemetry if scope is not None else _state.latest()
    return telemetry.provider if telemetry is not None else None


class _Canary(logging.Handler):
    """A handler of no logger, to be closed with all others."""

    def __init__(self, scoped: ScopedLogHandler) -> None:
        super().__init__()
        self._scoped = scoped

    def close(self) -> None:
        self._scoped.was_closed = True
        super().close()


class ScopedLogHandler(logging.Handler):
    """Hand each record to the log handlers of the current app."""

    def __init__(self) -> None:
        super().__init__()
        self.was_closed: bool
        """Whether logging may have been configured anew."""
        self.watch()

    def watch(self) -> None:
        """Wait for `logging.config`, which closes the handlers that there are, and forgets them."""
        self.was_closed = False
        self._canary = _Canary(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Hand `record` on, unless a library logged it while sending telemetry: that would be a feedback loop.

        Without the lock that `logging.Handler` takes: each app's handlers have their own.
        """
        scope: Any = current_context().get(SCOPE_KEY)
        if scope is not None:  # as in `current_telemetry`, without calls; an export thread has none
            telemetry = scope.telemetry
        elif is_export_thread() and not record.name.startswith(_OWN_LOGGERS):
            return False
        else:
            telemetry = _state.latest()
        if telemetry is None or record.levelno < telemetry.log_level:
            return True
        if record.name != telemetry.config.access_logger:  # the sinks have access lines
            for handler in telemetry.log_handlers:
                handler.handle(record)
        return True


_state = _State()
log_handler = ScopedLogHandler()
"""The one that the root logger has."""
