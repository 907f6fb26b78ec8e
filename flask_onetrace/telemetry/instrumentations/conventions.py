"""Select the stable HTTP conventions, also for what the application has instrumented before."""

from __future__ import annotations

import os
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.instrumentation._semconv import (
    OTEL_SEMCONV_STABILITY_OPT_IN,
    _OpenTelemetrySemanticConventionStability,
)

from flask_onetrace.telemetry.instrumentations.discovery import GROUP
from flask_onetrace.telemetry.safe_logging import safe_logger

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

logger = safe_logger(__name__)

_HTTP_CLIENTS: Final = frozenset({"aiohttp-client", "httpx", "httpx2", "requests", "urllib", "urllib3"})


def opt_in(tracer_provider: TracerProvider) -> None:
    """Select the stable HTTP conventions unless the environment selects others.

    OpenTelemetry reads the variable once, with the first instrumentation, and each instrumentation keeps what it had
    read. So those that an application has turned on before are turned off, to be turned on anew; not where they send
    their spans to another provider than `tracer_provider`. There is no parameter for it, and no public name.
    """
    if os.environ.get(OTEL_SEMCONV_STABILITY_OPT_IN):
        return
    os.environ[OTEL_SEMCONV_STABILITY_OPT_IN] = "http"
    if not _OpenTelemetrySemanticConventionStability._initialized:
        return
    _OpenTelemetrySemanticConventionStability._initialized = False
    if trace.get_tracer_provider() is not tracer_provider:
        return
    for each in entry_points(group=GROUP):
        new: Any = getattr(sys.modules.get(each.module), each.attr, None)
        if each.name in _HTTP_CLIENTS and new is not None and new().is_instrumented_by_opentelemetry:
            new().uninstrument()
            logger.warning(
                "%s was instrumented before the app was created, with the old HTTP conventions: it is instrumented"
                " again, without the hooks that it was given; set OTEL_SEMCONV_STABILITY_OPT_IN=http to keep them",
                each.name,
            )
