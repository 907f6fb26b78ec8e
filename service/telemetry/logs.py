"""Make each log line one JSON object that carries the ids of its request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Any, Final, NamedTuple

import orjson
from opentelemetry.context import get_current

from service.contract import ACCESS_LOGGER, LOGGER_FIELD, PATH_FIELD, SAMPLED_FIELD
from service.telemetry.ids import span_hex
from service.telemetry.scope import SCOPE_KEY, RequestScope
from service.telemetry.spans import SPAN_KEY, LightSpan
from service.telemetry.tracebacks import Told
from service.telemetry.verdict import said_by

NO_REQUEST: Final = "-"
"""What the id fields show outside a request, so that a missing id is seen to be missing."""

MAX_LINE: Final = 256 * 1024 - 26
"""Bytes: what PutLogEvents takes as one event, less the overhead that it counts for each."""

_access_logger = logging.getLogger(ACCESS_LOGGER)
_service_logger = logging.getLogger("service")
_root_logger = logging.getLogger()
_LINE = "log_line"
_SERVER_ERROR = 500
_HALF_A_MICROSECOND = 0.0005
"""In milliseconds: what a float of seconds since the epoch may be too small by."""


class LogLine(NamedTuple):
    """A line taken out of the caller's hands. Its JSON is made later, on the thread that sends it."""

    created: float
    level: str
    logger: str
    message: str
    exception: Told | None
    scope: RequestScope | None
    span_id: int
    is_access: bool = False
    """Whether it is the request's access line, which says what the scope knows of the answer."""
    fields: Mapping[str, Any] | None = None
    """Further fields of the JSON object, as `extra={"fields": {...}}` gives them."""


def capture(record: logging.LogRecord) -> LogLine:
    """Take from `record`, and from the request it belongs to, what its line will show."""
    made: LogLine | None = getattr(record, _LINE, None)
    if made is not None:
        return made
    here: Mapping[str, Any] = get_current()
    scope: RequestScope | None = here.get(SCOPE_KEY)
    return LogLine(
        created=record.created,
        level=record.levelname,
        logger=record.name,
        message=_message(record),
        exception=_told(record, scope) if record.exc_info else None,
        scope=scope,
        span_id=_span_id(scope, here.get(SPAN_KEY)) if scope is not None else 0,
        fields=getattr(record, "fields", None),
    )


def log_access(scope: RequestScope) -> None:
    """Write the one access line of a request that was answered: INFO, or ERROR for a 5xx."""
    level, name = (logging.ERROR, "ERROR") if scope.status >= _SERVER_ERROR else (logging.INFO, "INFO")
    if not _access_logger.isEnabledFor(level):
        return
    line = LogLine(time(), name, ACCESS_LOGGER, "", None, scope, scope.span.span_id, is_access=True)
    for log in scope.telemetry.access_logs:
        log(line)
    if _heard_elsewhere():
        text = f"{scope.method} {scope.path} {scope.status}"
        record = _access_logger.makeRecord(ACCESS_LOGGER, level, "", 0, text, (), None)
        setattr(record, _LINE, line)
        _access_logger.handle(record)


def _heard_elsewhere() -> bool:
    """Return whether somebody listens by a handler of their own: ours, one on the root, is told without a record."""
    return bool(_access_logger.handlers or _service_logger.handlers or len(_root_logger.handlers) > 1)


def _span_id(scope: RequestScope, span: object) -> int:
    if isinstance(span, LightSpan) and span.trace_id == scope.trace_id:
        return span.span_id
    return scope.span.span_id


def _told(record: logging.LogRecord, scope: RequestScope | None) -> Told | None:
    _, error, traceback = record.exc_info or (None, None, None)
    if scope is not None and error is not None and error is scope.error and error.__traceback__ is traceback:
        return scope.told()  # the span shows it too
    return Told(error, traceback)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the message, or whose own __str__ raises
        return f"{record.msg} (its arguments could not be formatted)"


def encode(line: LogLine, version: str) -> bytes:
    """Return the line of the service's `version` as one JSON object in UTF-8, without a newline.

    Of a line too long for an event, it is what fits of its text.
    """
    exception = line.exception.text() if line.exception is not None else None
    made = _json(line, exception, version)
    if len(made) <= MAX_LINE:
        return made
    # One character may take six bytes (`\u0001`), and there are two texts.
    share = MAX_LINE // 14
    shorter = "…" + exception[-share:] if exception is not None else None
    return _json(line._replace(message=line.message[:share] + "…"), shorter, version)


def _json(line: LogLine, exception: str | None, version: str) -> bytes:
    document: dict[str, Any] = {
        **(line.fields or {}),
        "timestamp": _timestamp(line.created),
        "level": line.level,
        LOGGER_FIELD: line.logger,
        "message": line.message,
        "version": version,
        **_request_fields(line),
    }
    if exception is not None:
        document["exception"] = exception
    try:
        return orjson.dumps(document, default=str)
    except orjson.JSONEncodeError:  # lone surrogates, as a strange path can hold them
        return orjson.dumps({key: _clean(value) for key, value in document.items()}, default=str)


def _timestamp(created: float) -> str:
    """Return the time in UTC as ISO 8601 has it, to the millisecond."""
    second = int(created)
    return f"{_to_the_second(second)}.{int((created - second) * 1000 + _HALF_A_MICROSECOND):03d}+00:00"


@lru_cache(maxsize=8)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _clean(value: object) -> object:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _request_fields(line: LogLine) -> dict[str, Any]:
    scope = line.scope
    if scope is None:
        return {"trace_id": NO_REQUEST, "span_id": NO_REQUEST, "xray_trace_id": NO_REQUEST}
    trace_hex = scope.trace_hex
    fields: dict[str, Any] = {
        "trace_id": trace_hex,
        "span_id": span_hex(line.span_id),
        "xray_trace_id": f"1-{trace_hex[:8]}-{trace_hex[8:]}",
        "method": scope.method,
        "route": scope.route or NO_REQUEST,
    }
    if scope.user_id is not None:
        fields["user_id"] = scope.user_id
    if line.is_access:
        fields["message"] = f"{scope.method} {scope.path} {scope.status}"
        fields[PATH_FIELD] = scope.path
        fields["status"] = scope.status
        fields["duration_ms"] = round(scope.duration_ms, 3)
        fields["bytes"] = scope.bytes_sent
        fields["client_address"] = scope.client_address
        fields[SAMPLED_FIELD] = int(said_by(scope.span.trace_state).in_xray)  # a number: its average is the share
    return fields


class JsonFormatter(logging.Formatter):
    """Format a record as the same JSON line that CloudWatch gets from the service's `version`."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return encode(capture(record), self._version).decode()
