"""Report the tasks of a Celery worker that fail to the error sinks, as a job that fails is."""

from __future__ import annotations

from typing import Any

from service.telemetry.context.trace_scope import current_scope


def report_failures() -> None:
    """Listen to the tasks that fail. Celery logs each itself, with the traceback."""
    from celery.signals import task_failure  # noqa: PLC0415 - the application brings it

    task_failure.connect(_report, weak=False)


def _report(sender: Any = None, exception: BaseException | None = None, **_: object) -> None:  # noqa: ANN401 - the task, or any object of a program that sends the signal
    scope = current_scope()
    if scope is None or exception is None or isinstance(exception, tuple(getattr(sender, "throws", None) or ())):
        return  # `throws` names the task's expected exceptions ("List of options", Celery's user guide)
    scope.telemetry.report(exception, scope)
