"""The tracer provider of all apps of the process, beside one that an application may have set up itself.

The functions `span` and `job`, the X-Ray SDK's subsegments and the instrumentations that are turned on here have their
tracers from `tracer_provider`. It is OpenTelemetry's global provider too, unless the application has set its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry.application_spans import ApplicationSpans
from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.instrumentations.database import DriverTracer, is_driver
from flask_onetrace.telemetry.instrumentations.server import ServerTracer, is_server
from flask_onetrace.telemetry.library_environment import without_failing_variables
from flask_onetrace.telemetry.observed_apps import observed_apps
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.tracer import AppTracer, AppTracerProvider

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.util.types import Attributes

logger = safe_logger(__name__)


class ScopedTracerProvider(trace.TracerProvider):
    """Create tracers that start their spans with the current app's provider.

    It has the methods of the SDK's `TracerProvider`, as applications call those on the global provider.
    """

    def __init__(self) -> None:
        self.processors: tuple[SpanProcessor, ...] = ()
        """The span processors that the application has added."""
        self.known_global: object = self
        """The global provider when `install_provider` last looked at it."""

    def add_span_processor(self, processor: SpanProcessor) -> None:
        """Pass the spans of every app to `processor`, including apps that are created later."""
        with observed_apps.lock:
            self.processors += (processor,)
            for telemetry in observed_apps:
                telemetry.provider.add_span_processor(processor)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the added processors, within `timeout_millis` each; return whether all managed."""
        return not [each for each in self.processors if not each.force_flush(timeout_millis)]

    def shutdown(self) -> None:
        """Shut the added processors down."""
        for each in self.processors:
            each.shutdown()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes | None = None,
    ) -> AppTracer:
        """Return a tracer that a module may keep: it finds the current app's provider at each span."""
        instrumentation = InstrumentationScope(
            instrumenting_module_name, instrumenting_library_version or "", schema_url, attributes
        )
        tracer = AppTracer
        if is_driver(instrumenting_module_name):
            tracer = DriverTracer
        elif is_server(instrumenting_module_name):
            tracer = ServerTracer
        return tracer(instrumentation, _provider_of)


def _provider_of(context: Context | None) -> AppTracerProvider | None:
    scope = current_scope(context)
    telemetry = scope.telemetry if scope is not None else observed_apps.latest()
    return telemetry.provider if telemetry is not None else None


tracer_provider: Final = ScopedTracerProvider()
_application_spans: Final = ApplicationSpans()


def install_provider() -> None:
    """Set `tracer_provider` as the global provider if there is none; else copy the spans of the application's.

    Idempotent, and to be called again, as the application may set its own later.
    """
    with without_failing_variables():
        current = trace.get_tracer_provider()
    if isinstance(current, trace.ProxyTracerProvider):
        # Private: `set_tracer_provider` may be called once in a process, and that is left to the application.
        trace._TRACER_PROVIDER = tracer_provider
    elif current is not tracer_provider.known_global:
        tracer_provider.known_global = current
        if current is not tracer_provider:
            _copy_spans_of(current)


def _copy_spans_of(provider: Any) -> None:  # noqa: ANN401 - the SDK's provider, or a vendor's
    add = getattr(provider, "add_span_processor", None)
    name = f"{type(provider).__module__}.{type(provider).__qualname__}"
    if add is None:
        theirs = "are its own alone: it has no add_span_processor"
    else:
        add(_application_spans)
        theirs = "within requests and jobs are copied into these traces"
    logger.warning(
        "the application has set up a tracer provider of OpenTelemetry's itself, %s: it receives what the application's"
        " own tracers and instrumentations record, by the sampling decision of the request. Those spans %s. Spans of"
        " flask_onetrace's span() and job(), and of the instrumentations that it turns on, do not reach that provider",
        *(name, theirs),
    )
