"""Keep the X-Ray SDK's segment and subsegments of one request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry import trace

from flask_onetrace.telemetry.plain import ends_process, nanoseconds
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.redaction.copies import Copier
from flask_onetrace.telemetry.redaction.limits import MAX_NAME
from flask_onetrace.telemetry.redaction.sql import dialect_of
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.xray_sdk.attributes import attributes_of

if TYPE_CHECKING:
    from flask_onetrace.telemetry.context.trace_scope import TraceScope


logger = safe_logger(__name__)

_MAX_EXCEPTIONS = 16
_BLOCKS = ("annotations", "metadata", "http", "aws", "sql")
"""What code sets on an entity, as far as documents have it."""
_NANOSECONDS = 1_000_000_000


class SdkState:
    """The SDK's segment and subsegments of one request. The SDK publishes no types."""

    segment: Any = None
    """The segment, created at first use."""
    placeholder: Any = None
    """The one subsegment of a request that is not recorded."""
    placeholder_depth = 0
    """How many times it is open."""

    def __init__(self) -> None:
        self.subsegments: dict[int, Any] = {}
        """By span id, to be merged into the segment document. `open_span` is None on those that have ended."""

    def before_end(self, scope: TraceScope) -> None:
        """End the subsegments that this thread left open, or an async view; other threads may still use theirs."""
        for each in reversed(list(self.subsegments.values())):
            if each.in_progress and each.open_span.has_been_left():
                end_entity(each, scope.telemetry.redact)
        if self.segment is not None:
            _capture(self.segment, scope.telemetry.redact)

    def release(self) -> None:
        """Drop the segment and the subsegments that have ended: they refer to the scope.

        Such a cycle would keep the request's spans until the garbage collector runs. Open subsegments stay.
        """
        self.segment = self.placeholder = None
        if not self.subsegments:
            return
        for span_id, each in list(self.subsegments.items()):
            if each.open_span is None:
                del self.subsegments[span_id]


def _capture(entity: Any, redact: Redactor) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Replace what code has set on the entity by plain copies without secrets and excess: it is about to be queued."""
    fields = vars(entity)
    copier: Copier | None = None
    try:
        statement = _statement(fields["sql"], redact) if fields.get("sql") else None
        for name in _BLOCKS:
            block = fields.get(name)
            if block:
                copy = redact.small_copy(block) if type(block) is dict else None
                if copy is None:
                    copier = copier or redact.copier()
                    copy = copier.mapping(block)
                    if name == "metadata":  # a namespace beyond the limit is no mapping
                        copy = {space: values for space, values in copy.items() if type(values) is dict}
                fields[name] = copy
        if statement is not None:
            fields["sql"] = {**fields["sql"], "sanitized_query": statement}
        if fields["cause"]:
            fields["cause"] = _cause(fields["cause"], redact)
    except BaseException as error:  # code may have put any object in place of a block
        if ends_process(error):
            raise
        fields.update({name: {} for name in (*_BLOCKS, "cause")})
        logger.warning("what a handler has set on its subsegment could not be read, and is left out")
    if copier is not None and isinstance(span := entity.open_span.span, LightSpan):
        span.size += copier.size


def _statement(sql: object, redact: Redactor) -> str | None:
    """Take the statement out of the SDK's `sql`, without its literals, which depend on the dialect."""
    statement = sql.pop("sanitized_query", None) if type(sql) is dict else None
    return redact.statement(statement, dialect=dialect_of(sql.get("database_type"))) if type(statement) is str else None  # type: ignore[attr-defined]  # a dict, by its type


def _set_attributes(entity: Any, span: Any, redact: Redactor) -> None:  # noqa: ANN401 - the SDK publishes no types
    """Set on the span what the entity holds; what a patcher has named gets the name of its call."""
    fields = vars(entity)
    attributes, is_patched = attributes_of(fields)
    if attributes:
        entity.mirrored = frozenset(attributes)
    if annotations := fields["annotations"]:
        attributes.update(annotations)
    if not isinstance(span, LightSpan):
        return
    if fields.get("namespace", "local") != "local":
        if is_patched and "http.request.method" in attributes:
            span.update_name(str(attributes["http.request.method"]))
        span.become_call(keeps_name=not is_patched)
    if attributes and span.kind is trace.SpanKind.INTERNAL and not span.raw_attributes:
        span.complete_redacted(redact.text(span.name, MAX_NAME), attributes)
    elif attributes:
        span.set_attributes(attributes)


def _cause(cause: object, redact: Redactor) -> dict[str, Any] | str:
    """Return a cause, with its exceptions as dicts, or the id of an exception that is recorded elsewhere."""
    if type(cause) is not dict:
        return redact.text(cause, MAX_NAME)
    exceptions = cause.get("exceptions")
    shown = exceptions[:_MAX_EXCEPTIONS] if type(exceptions) is list else ()
    copy = redact.copier().mapping({**cause, "exceptions": [_throwable(each, redact) for each in shown]})
    return copy if copy["exceptions"] else {}


def _throwable(throwable: Any, redact: Redactor) -> dict[str, Any]:  # noqa: ANN401 - the SDK publishes no types
    document: dict[str, Any] = throwable.to_dict()
    return {**document, "message": redact.text(document.get("message", ""))}


def end_entity(entity: Any, redact: Redactor, end_time: float | None = None) -> None:  # noqa: ANN401 - the SDK publishes no types
    """End the entity, and its span with the entity's annotations and exception, for the sinks that take spans."""
    entity.close(end_time)
    _capture(entity, redact)
    span = entity.open_span.span
    if span.is_recording():
        _set_attributes(entity, span, redact)
        if vars(entity).get("fault"):  # looking up a missing attribute is slow
            span.set_status(trace.StatusCode.ERROR)
        for each in entity.cause.get("exceptions", ()) if isinstance(entity.cause, dict) else ():
            attributes = {"exception.type": each.get("type"), "exception.message": each.get("message", "")}
            span.add_event("exception", attributes)
    # Of what is no number, that many times as much may be more than fits: then it ends now.
    span.end(nanoseconds(end_time * _NANOSECONDS) if type(end_time) in (float, int) else None)  # type: ignore[operator]  # a number, by its type
    # Drop the context: the entity is queued, and would keep it in memory.
    entity.open_span = None
