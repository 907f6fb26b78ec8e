"""Record one span for each statement that SQLAlchemy executes: its own, and none of the driver beneath it.

A statement that code gives to the driver itself has the driver's span.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import wrapt
from opentelemetry import context as otel_context
from opentelemetry import metrics, trace
from opentelemetry.instrumentation.utils import is_instrumentation_enabled, suppress_instrumentation

from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.spans.tracer import AppTracer

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.context import Context

_WITHIN_SQLALCHEMY: Final = otel_context.create_key("within-sqlalchemy")
_PACKAGE: Final = "opentelemetry.instrumentation."
SQLALCHEMY: Final = f"{_PACKAGE}sqlalchemy"
_DRIVERS: Final = frozenset(
    f"{_PACKAGE}{name}"
    for name in ("aiopg", "asyncpg", "mysql", "mysqlclient", "psycopg", "psycopg2", "pymssql", "pymysql", "sqlite3")
)


def is_suppressed() -> bool:
    """Return whether the statement about to be executed has a span already, or is a sink's."""
    return bool(current_context().get(_WITHIN_SQLALCHEMY)) or not is_instrumentation_enabled()


def is_driver(instrumentation: str) -> bool:
    """Return whether the module `instrumentation` records what a database driver executes."""
    return instrumentation in _DRIVERS


class DriverTracer(AppTracer):
    """Start the spans of a database driver, and none within SQLAlchemy's own."""

    def start_within(self, parent: trace.Span, name: str, context: Context | None, *arguments: Any) -> trace.Span:  # noqa: ANN401 - those of `AppTracer`
        """Start a span under `parent`; within SQLAlchemy's, return one that records nothing."""
        if (current_context() if context is None else context).get(_WITHIN_SQLALCHEMY):
            return trace.NonRecordingSpan(parent.get_span_context())
        return super().start_within(parent, name, context, *arguments)


def suppress_drivers(tracer_provider: trace.TracerProvider) -> None:
    """Have SQLAlchemy suppress the driver's spans while it connects, and while it executes what has a span.

    Within `Engine.connect` the driver executes statements of SQLAlchemy's own, as `select version()`.
    """
    from sqlalchemy import event  # noqa: PLC0415 - the application brings it
    from sqlalchemy.engine import Engine  # noqa: PLC0415 - the same; older versions have it here alone

    connect = partial(_connect, tracer_provider.get_tracer(SQLALCHEMY))
    wrapt.wrap_function_wrapper("sqlalchemy.engine.base", "Engine.connect", connect)
    event.listen(Engine, "do_execute", _do_execute)
    event.listen(Engine, "do_executemany", _do_executemany)
    event.listen(Engine, "do_execute_no_params", _do_execute_no_params)


def within_sqlalchemy(wrapped: Callable[..., Any], _: object, args: Any, kwargs: Any) -> Any:  # noqa: ANN401 - those of `wrapped`
    """Call `wrapped` without spans of the driver; a wrapper for `wrapt`."""
    token = otel_context.attach(otel_context.set_value(_WITHIN_SQLALCHEMY, "yes"))
    try:
        return wrapped(*args, **kwargs)
    finally:
        otel_context.detach(token)


def _connect(tracer: trace.Tracer, wrapped: Callable[..., Any], engine: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401 - SQLAlchemy's own
    """Call `Engine.connect`, of an engine too that was created before the instrumentation was turned on."""
    module = sys.modules.get(SQLALCHEMY)
    if module is None or not module.SQLAlchemyInstrumentor().is_instrumented_by_opentelemetry:
        return wrapped(*args, **kwargs)
    # An engine with options of its own has the listeners of the one that it was made from.
    target = getattr(engine, "_proxied", engine)
    if not any(each() is target for each, *_ in module.EngineTracer._remove_event_listener_params):
        counter = metrics.NoOpUpDownCounter("db.client.connections.usage")  # no sink takes metrics
        module.EngineTracer(tracer, target, counter)
    return within_sqlalchemy(wrapped, engine, args, kwargs)


def _do_execute(cursor: Any, statement: Any, parameters: Any, context: Any) -> bool:  # noqa: ANN401 - SQLAlchemy's own
    return _execute("do_execute", context, cursor, statement, parameters)


def _do_executemany(cursor: Any, statement: Any, parameters: Any, context: Any) -> bool:  # noqa: ANN401 - the same
    return _execute("do_executemany", context, cursor, statement, parameters)


def _do_execute_no_params(cursor: Any, statement: Any, context: Any) -> bool:  # noqa: ANN401 - the same
    return _execute("do_execute_no_params", context, cursor, statement)


def _execute(event: str, context: Any, *arguments: Any) -> bool:  # noqa: ANN401 - the same
    """Execute what has a span of SQLAlchemy's; return whether that is done.

    An application may have listeners that execute statements themselves: then it is theirs.
    """
    dialect = context.dialect
    # The instrumentation's own name for the span of an execution.
    if getattr(context, "_otel_span", None) is None or len(tuple(getattr(dialect.dispatch, event))) > 1:
        return False
    with suppress_instrumentation():
        getattr(dialect, event)(*arguments, context)
    return True
