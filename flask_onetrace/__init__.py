"""Observe a Flask app in Honeycomb, AWS X-Ray, CloudWatch Logs and Rollbar under one trace id.

`init_app(app)` is all that an app needs. It reads its settings from the environment; `Telemetry(config).install(app)`
takes plain values instead. Handlers and jobs use the functions of `flask_onetrace.telemetry`, which are here too.

Names are imported at first use: what needs the settings alone must not pay for Flask and OpenTelemetry.
"""

from __future__ import annotations

from flask_onetrace.lazy_names import lazy_names

TYPE_CHECKING = False  # instead of typing's, which the container's health check would import
if TYPE_CHECKING:
    from typing import Final

    from flask_onetrace.extension import OneTrace, init_app
    from flask_onetrace.parsing import SettingsError
    from flask_onetrace.settings import Settings
    from flask_onetrace.telemetry import Telemetry, annotate, carry, identify, job, span, trace_id
    from flask_onetrace.telemetry.config import TelemetryConfig

__all__ = [
    "OneTrace",
    "Settings",
    "SettingsError",
    "Telemetry",
    "TelemetryConfig",
    "annotate",
    "carry",
    "identify",
    "init_app",
    "job",
    "span",
    "trace_id",
]

_MODULE_OF: Final = {
    **dict.fromkeys(("OneTrace", "init_app"), "extension"),
    "SettingsError": "parsing",
    "Settings": "settings",
    **dict.fromkeys(("Telemetry", "annotate", "carry", "identify", "job", "span", "trace_id"), "telemetry"),
    "TelemetryConfig": "telemetry.config",
}

__getattr__ = lazy_names(__name__, _MODULE_OF, globals())


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
