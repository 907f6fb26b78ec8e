"""Make a span current for a block, or for each call of a function."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import time_ns
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from opentelemetry import trace
from opentelemetry.context import Context, detach
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from flask_onetrace.telemetry.current_context import current_context, enter_context
from flask_onetrace.telemetry.spans.span import SPAN_KEY, LightSpan
from flask_onetrace.telemetry.spans.unsampled import OUTGOING, UnsampledSpan

if TYPE_CHECKING:
    from contextvars import Token

_F = TypeVar("_F", bound=Callable[..., Any])


def each_call_within(new_context: Callable[[], AbstractContextManager[object]], function: _F) -> _F:
    """Return `function` with each call run within a context manager of its own, which a coroutine leaves at its end."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
            with new_context():
                return await function(*args, **kwargs)

        return async_wrapper  # type: ignore[return-value]  # it has the signature of `function`

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the function's own
        with new_context():
            return function(*args, **kwargs)

    return wrapper  # type: ignore[return-value]  # as above


class SpanStarter(Protocol):
    """The part of the tracer that this module uses."""

    instrumentation: InstrumentationScope

    @property
    def start_span(self) -> Callable[..., trace.Span]:
        """Start a span."""

    @property
    def start_within(self) -> Callable[..., trace.Span]:
        """Start a span under a given parent."""


class CurrentSpan(AbstractContextManager[trace.Span]):
    """Run a block within a new span, as `opentelemetry.trace.use_span` does, without its two generators."""

    __slots__ = ("_arguments", "_end_on_exit", "_span", "_start_time", "_token", "_tracer")

    def __init__(self, tracer: SpanStarter, arguments: tuple[Any, ...], *, end_on_exit: bool) -> None:
        self._tracer = tracer
        self._arguments = arguments
        self._end_on_exit = end_on_exit
        self._span: trace.Span = trace.INVALID_SPAN
        self._token: Token[Context] | None = None
        self._start_time = 0
        """Of a span that is not recorded, in nanoseconds since the epoch."""

    def __enter__(self) -> trace.Span:
        arguments = self._arguments
        context = current_context()
        current = context.get(SPAN_KEY)
        if type(current) is UnsampledSpan and arguments[1] is None:
            self._start_time = time_ns()
            if arguments[2] not in OUTGOING:
                self._span = current
                return current
            span: trace.Span = current.outgoing()
        elif type(current) is LightSpan and arguments[1] is None:
            span = self._tracer.start_within(current, *arguments)
        else:
            span = self._tracer.start_span(*arguments)
            if type(span) is UnsampledSpan:
                self._start_time = time_ns()
        self._span = span
        self._token = enter_context(Context({**context, SPAN_KEY: span}))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._token is not None:
            detach(self._token)
        span = self._span
        if isinstance(error, Exception):
            if type(span) is UnsampledSpan and self._start_time:
                if span.scope is not None and span.scope.span is span and self._token is not None:
                    span.scope.error = error  # its root span's own
                else:
                    span.add_failure(self._tracer.instrumentation, self._arguments, self._start_time, error)
            elif isinstance(span, LightSpan):
                record, set_status = self._arguments[-2:]
                span.record_error(error, record=record, set_status=set_status)
        if self._token is None:
            return
        if self._end_on_exit:
            span.end()

    def __call__(self, function: _F) -> _F:
        """Run each call of `function` within a span of its own."""
        return each_call_within(self._copy, function)

    def _copy(self) -> CurrentSpan:
        return CurrentSpan(self._tracer, self._arguments, end_on_exit=self._end_on_exit)
