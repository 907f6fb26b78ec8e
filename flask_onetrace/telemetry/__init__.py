"""Observe a Flask app with several back ends under one trace id.

`Telemetry(config).install(app)` is all that an app needs. A handler uses five functions:

- `span(name)` times a block: a span in Honeycomb, a subsegment in X-Ray;
- `annotate(key=value)` sets searchable attributes on the current span, in both;
- `identify(user_id)` names the user of the request on its spans, segment, log lines and error items;
- `trace_id()` returns the id to show to a person;
- `carry(function)` takes the trace into another thread.

Work that no request causes runs in `with job(name):`.

OpenTelemetry's API (`trace.get_tracer(...)`), the X-Ray SDK's (`xray_recorder.in_subsegment(...)`), `logging` and
`rollbar.report_message(...)` work too, and join the same trace.

Names are imported at first use: settings and health checks import only `flask_onetrace.telemetry.config`, and must not
pay for OpenTelemetry's SDK.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask_onetrace.lazy_names import lazy_names
from flask_onetrace.telemetry import library_environment

if TYPE_CHECKING:
    from flask_onetrace.telemetry.api import annotate, carry, identify, span, trace_id
    from flask_onetrace.telemetry.context.request_scope import RequestScope
    from flask_onetrace.telemetry.context.trace_scope import TraceScope, current_scope
    from flask_onetrace.telemetry.job_span import job
    from flask_onetrace.telemetry.observed_apps import current_telemetry
    from flask_onetrace.telemetry.process_globals import prepare
    from flask_onetrace.telemetry.telemetry import Telemetry
    from flask_onetrace.telemetry.traced_app import EXTENSION

# Here, as Python runs it before any module of the package, each of which may import OpenTelemetry.
library_environment.import_opentelemetry()

__all__ = [
    "EXTENSION",
    "RequestScope",
    "Telemetry",
    "TraceScope",
    "annotate",
    "carry",
    "current_scope",
    "current_telemetry",
    "identify",
    "job",
    "prepare",
    "span",
    "trace_id",
]

_MODULE_OF: Final = {
    **dict.fromkeys(("annotate", "carry", "identify", "span", "trace_id"), "api"),
    "RequestScope": "context.request_scope",
    **dict.fromkeys(("TraceScope", "current_scope"), "context.trace_scope"),
    "EXTENSION": "traced_app",
    "job": "job_span",
    "Telemetry": "telemetry",
    "current_telemetry": "observed_apps",
    "prepare": "process_globals",
}

__getattr__ = lazy_names(__name__, _MODULE_OF, globals())
