"""Report failed Celery tasks to the error sinks, as failed jobs are, and flush when a worker's process ends.

OpenTelemetry's instrumentation for Celery makes the spans; this works without it too, without a trace then.
"""

from __future__ import annotations

from typing import Any, Final

import wrapt

from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.observed_apps import current_telemetry

_MODULE: Final = "celery.signals"


def connect_on_import() -> None:
    """Listen to Celery's signals once the application imports Celery. Idempotent."""
    wrapt.register_post_import_hook(_connect, _MODULE)


def _connect(signals: Any) -> None:  # noqa: ANN401 - Celery publishes no types
    # By their uids each is connected once, however many apps there are.
    signals.task_failure.connect(_report, weak=False, dispatch_uid="telemetry-task-failure")
    signals.worker_process_shutdown.connect(_shut_down, weak=False, dispatch_uid="telemetry-shutdown")


def _report(sender: Any = None, exception: BaseException | None = None, **_: object) -> None:  # noqa: ANN401 - the task, or its name where the worker's process was lost
    telemetry = current_telemetry()
    if telemetry is None or exception is None:
        return
    # `throws` names the task's expected exceptions ("List of options", Celery's user guide).
    if not isinstance(exception, tuple(getattr(sender, "throws", None) or ())):
        telemetry.report(exception, current_scope())


def _shut_down(**_: object) -> None:
    """Flush: a process of the prefork pool ends without calling `atexit` functions."""
    telemetry = current_telemetry()
    if telemetry is not None:
        telemetry.shutdown()
