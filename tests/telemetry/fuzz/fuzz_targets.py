"""Every place in which a handler can give a value to telemetry, each as a function to call in a handler."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import Any

import rollbar
from aws_xray_sdk.core import xray_recorder
from opentelemetry import trace

from flask_onetrace import telemetry
from tests.telemetry.fuzz.values import TEXTS, key, value

FuzzTarget = Callable[[random.Random], object]

logger = logging.getLogger("fuzz")
_tracer = trace.get_tracer("fuzz")


def _text(rng: random.Random) -> Any:  # noqa: ANN401 - most often a name, sometimes any value
    return rng.choice(["name", rng.choice(TEXTS), value(rng)])


def _attributes(rng: random.Random) -> Any:  # noqa: ANN401 - the same
    return value(rng) if rng.random() < 0.1 else {key(rng): value(rng) for _ in range(rng.randrange(4))}


def _time(rng: random.Random) -> Any:  # noqa: ANN401 - the same
    return rng.choice([None, 1_790_000_000_000_000_000, 1.79e18, -1, 0, 2**63, 2**64, 10**400, "soon", value(rng)])


def _error(rng: random.Random) -> BaseException:
    """Return an exception with anything in it."""

    class FuzzError(rng.choice([Exception, KeyError, OSError, SyntaxError])):  # type: ignore[misc]  # drawn
        def __str__(self) -> str:
            shown = self.args[0] if self.args else "none"
            return shown if isinstance(shown, str) else str(shown)

    if rng.random() < 0.2:
        FuzzError.__qualname__ = FuzzError.__name__ = rng.choice(["x" * 10_000, "née\u2028"])
    error: Exception = FuzzError(*(value(rng) for _ in range(rng.randrange(3))))
    if rng.random() < 0.5:
        error.__dict__["__notes__"] = rng.choice([[value(rng)], value(rng)])
    if rng.random() < 0.3:
        error.__cause__ = rng.choice([ValueError(value(rng)), error])
    if rng.random() < 0.2:
        parts: list[Exception] = [error, ValueError(value(rng))]
        return ExceptionGroup(rng.choice(TEXTS), parts)
    return error


def _raised(rng: random.Random) -> BaseException:
    local_variable, another = value(rng), value(rng)
    try:
        raise _error(rng)  # noqa: TRY301 - for its traceback, with local variables
    except BaseException as error:  # noqa: BLE001 - whatever was made
        return error
    finally:
        del local_variable, another


def set_attribute(rng: random.Random) -> None:
    trace.get_current_span().set_attribute(key(rng), value(rng))


def set_attributes(rng: random.Random) -> None:
    trace.get_current_span().set_attributes(_attributes(rng))


def inner_span(rng: random.Random) -> None:
    with _tracer.start_as_current_span(_text(rng), attributes=_attributes(rng), start_time=_time(rng)) as span:
        span.set_attribute("inner", value(rng))


def odd_span(rng: random.Random) -> None:
    kind = rng.choice([*trace.SpanKind, value(rng)])
    span = _tracer.start_span(_text(rng), kind=kind, links=rng.choice([None, [], _links(rng), value(rng)]))
    span.end(_time(rng))


def _links(rng: random.Random) -> list[Any]:
    return [trace.Link(_span_context(rng), _attributes(rng)), *rng.choice([[], [value(rng)]])]


def _span_context(rng: random.Random) -> Any:  # noqa: ANN401 - most often a context
    ids = (rng.choice([1, 0, -1, 2**128, 2**300, "id"]), rng.choice([1, 0, -1, 2**64, None]))
    try:
        return rng.choice([trace.SpanContext(*ids, is_remote=rng.random() < 0.5), value(rng)])  # type: ignore[arg-type]  # odd ones
    except Exception:  # noqa: BLE001 - ids that the API itself refuses
        return trace.INVALID_SPAN_CONTEXT


def add_event(rng: random.Random) -> None:
    trace.get_current_span().add_event(_text(rng), _attributes(rng), _time(rng))


def add_link(rng: random.Random) -> None:
    trace.get_current_span().add_link(_span_context(rng), _attributes(rng))


def set_status(rng: random.Random) -> None:
    status = rng.choice([*trace.StatusCode, trace.Status(trace.StatusCode.ERROR, "shown"), value(rng)])
    trace.get_current_span().set_status(status, rng.choice([None, _text(rng)]))


def update_name(rng: random.Random) -> None:
    with _tracer.start_as_current_span("renamed") as span:
        span.update_name(_text(rng))


def record_exception(rng: random.Random) -> None:
    span = trace.get_current_span()
    span.record_exception(_raised(rng), _attributes(rng), _time(rng), rng.choice([True, value(rng)]))


def annotate(rng: random.Random) -> None:
    telemetry.annotate(**{rng.choice([each for each in TEXTS if each]): value(rng)})


def identify(rng: random.Random) -> None:
    telemetry.identify(value(rng))


def api_span(rng: random.Random) -> None:
    with telemetry.span(_text(rng), number=value(rng)):
        pass


def put_metadata(rng: random.Random) -> None:
    entity = rng.choice([xray_recorder.current_subsegment(), xray_recorder.current_segment()])
    if entity is not None:
        entity.put_metadata(key(rng), value(rng), rng.choice(["default", *TEXTS]))


def subsegment(rng: random.Random) -> None:
    with xray_recorder.in_subsegment(rng.choice(TEXTS)) as entity:
        entity.put_metadata(key(rng), value(rng))
        entity.put_annotation("annotation", value(rng))
        entity.set_sql({rng.choice(["url", "user", key(rng)]): value(rng)})
        entity.set_aws(rng.choice([{"operation": value(rng)}, value(rng)]))
        entity.put_http_meta(rng.choice(["url", "method", "content_length"]), value(rng))
        if rng.random() < 0.5:
            entity.add_exception(_raised(rng), [])
        entity.namespace = rng.choice(["local", "remote", "aws", value(rng)])


def entity_fields(rng: random.Random) -> None:
    """Overwrite what the SDK keeps: its objects are open to the handler."""
    with xray_recorder.in_subsegment("overwritten") as entity:
        setattr(entity, rng.choice(["http", "aws", "sql", "annotations", "metadata", "cause"]), value(rng))


def subsegment_name(rng: random.Random) -> None:
    with xray_recorder.in_subsegment(_text(rng), namespace=rng.choice(["local", "remote", value(rng)])):
        pass


def set_user(rng: random.Random) -> None:
    segment = xray_recorder.current_segment()
    segment.set_user(value(rng))


def log_message(rng: random.Random) -> None:
    logger.warning(value(rng))


def log_arguments(rng: random.Random) -> None:
    template = rng.choice(["%s", "%r %s", "%d", "%(a)s", "%.3f", "no conversion", "%", "%s %s %s %s", "%*d"])
    logger.warning(template, *(value(rng) for _ in range(rng.randrange(4))))


def log_extra(rng: random.Random) -> None:
    logger.warning("with extra", extra={"fields": rng.choice([_attributes(rng), value(rng)]), "other": value(rng)})


def log_exception(rng: random.Random) -> None:
    error = _raised(rng)
    logger.warning("failed", exc_info=error, stack_info=rng.random() < 0.5)


def log_record(rng: random.Random) -> None:
    """Handle a record that was made elsewhere, as by a socket's or a queue's receiver."""
    names = ["name", "levelname", "msg", "args", "created", "exc_info", "exc_text", "stack_info", "fields", "funcName"]
    record = logging.makeLogRecord({"msg": "made", "levelno": logging.WARNING})
    for name in rng.sample(names, 3):
        vars(record)[name] = value(rng)
    for handler in logging.getLogger().handlers:
        if type(handler).__module__.startswith("service."):
            handler.handle(record)


def report_message(rng: random.Random) -> None:
    level = rng.choice(["error", _text(rng)])
    rollbar.report_message(_text(rng), level, extra_data=rng.choice([None, _attributes(rng), value(rng)]))


def report_error(rng: random.Random) -> None:
    error = _raised(rng)
    extra = rng.choice([None, _attributes(rng)])
    rollbar.report_exc_info((type(error), error, error.__traceback__), extra_data=extra)


FUZZ_TARGETS: tuple[FuzzTarget, ...] = (
    set_attribute,
    set_attributes,
    inner_span,
    odd_span,
    add_event,
    add_link,
    set_status,
    update_name,
    record_exception,
    annotate,
    identify,
    api_span,
    put_metadata,
    subsegment,
    entity_fields,
    subsegment_name,
    set_user,
    log_message,
    log_arguments,
    log_extra,
    log_exception,
    log_record,
    report_message,
    report_error,
)

SDK_ERRORS: dict[FuzzTarget, tuple[type[BaseException], ...]] = {}
