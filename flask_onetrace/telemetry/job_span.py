"""Trace a job as one root span: `with telemetry.job("nightly"):`."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from time import perf_counter
from types import FrameType, TracebackType
from typing import Any, Final, NoReturn, TypeVar

from opentelemetry import trace
from opentelemetry.context import detach
from opentelemetry.trace import SpanKind

from flask_onetrace.telemetry.api import Value
from flask_onetrace.telemetry.context.messages import message_context
from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.observed_apps import current_telemetry
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.current_span import each_call_within
from flask_onetrace.telemetry.tracer_provider import install_provider, tracer_provider

F = TypeVar("F", bound=Callable[..., Any])

logger = safe_logger(__name__)

_tracer = tracer_provider.get_tracer("flask_onetrace.telemetry")
_EXIT_STATUS: Final = 128
"""A process that a signal ends exits with this and the signal's number, as shells report it."""


def job(name: str, *, message: object = None, **attributes: Value) -> Job:
    """Run the block, or each call of the decorated function, as a root span: of a new trace, or of `message`'s.

    `message` is the carrier of the sender's trace context: headers, or one SQS message as `receive_message` returns it,
    or as a record of Lambda's event is. Within a request or another job it is an inner span.

    An exception that leaves it is reported to the error sinks, and raised. From the first job on SIGTERM raises
    `SystemExit`, so that what is queued is sent before the process ends.
    """
    return Job(name, message, attributes)


class Job(AbstractContextManager[trace.Span]):
    """The context manager of `job`."""

    def __init__(self, name: str, message: object, attributes: Mapping[str, Value]) -> None:
        self._name = name
        self._message = message
        self._attributes = attributes
        self._span: AbstractContextManager[trace.Span] | None = None
        self._token: Any = None
        self._is_root = False

    def __enter__(self) -> trace.Span:
        self._is_root = current_scope() is None
        kind = SpanKind.INTERNAL
        if self._is_root and self._message is not None:
            kind = SpanKind.CONSUMER
            self._token = enter_context(message_context(self._message, current_context()))
        self._span = _tracer.start_as_current_span(self._name, kind=kind, attributes=dict(self._attributes))
        self._started = perf_counter()
        span = self._span.__enter__()
        self._context = current_context()
        if self._is_root:
            install_provider()
            _exit_on_sigterm()
            if current_telemetry() is None:
                _warn_once()
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._span is not None  # noqa: S101 - entered
        token = enter_context(self._context)  # an asynchronous generator may be closed in another one
        try:
            if self._is_root:
                self._record(error)
        finally:
            detach(token)
            self._span.__exit__(kind, error, traceback)
            if self._token is not None:
                detach(self._token)

    def _record(self, error: BaseException | None) -> None:
        """Report the error that leaves the job, and write the line of its end."""
        scope = current_scope()
        if scope is None:
            return
        milliseconds = (perf_counter() - self._started) * 1000
        fields = {"duration_ms": round(milliseconds, 3)}
        if _is_success(error):
            logger.info("job %s succeeded", self._name, extra=fields)
            return
        logger.error("job %s failed", self._name, exc_info=error, extra=fields)
        if isinstance(error, Exception):
            scope.telemetry.report(error, scope)
        else:  # the process is stopping
            scope.error = error

    def __call__(self, function: F) -> F:
        """Run each call of `function` as a job; that of a coroutine function ends when it has been awaited."""
        return each_call_within(self._copy, function)

    def _copy(self) -> Job:
        return Job(self._name, self._message, self._attributes)


def _is_success(error: BaseException | None) -> bool:
    """Return whether the job succeeded: no exception, exit status 0, or a closed generator."""
    if isinstance(error, SystemExit):
        return error.code in (None, 0)
    # click's own exit, of `Context.exit`, is a RuntimeError.
    return error is None or type(error) is GeneratorExit or getattr(error, "exit_code", None) == 0


def _exit_on_sigterm() -> None:
    """Have SIGTERM end the process by an exception from now on, unless the program handles it.

    Between two jobs too, as in a worker that waits for messages: what is queued is sent then.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a signal handler's signature
    raise SystemExit(_EXIT_STATUS + number)


_warned = threading.Event()


def _warn_once() -> None:
    if not _warned.is_set():
        _warned.set()
        logger.warning(
            "a job runs without telemetry: nothing of it is recorded (logged once); create the app before, and keep it"
            " in a variable: telemetry ends with its app"
        )
