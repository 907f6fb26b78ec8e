"""Write each log line as one JSON object that carries the ids of its request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as _string
from sys import getsizeof
from time import time_ns
from types import TracebackType
from typing import Any, Final, NamedTuple

import orjson

from flask_onetrace.telemetry.context.handled_exception import note_logged
from flask_onetrace.telemetry.context.request_scope import RequestScope
from flask_onetrace.telemetry.context.trace_scope import SCOPE_KEY, TraceScope, scope_of_span
from flask_onetrace.telemetry.control_characters import DELETE, escape_controls
from flask_onetrace.telemetry.current_context import current_context
from flask_onetrace.telemetry.export.safe_json import dumps
from flask_onetrace.telemetry.export.size import estimate
from flask_onetrace.telemetry.log_fields import MESSAGE_MEMBERS, PLAIN_ATTRIBUTES, fields_of, merge
from flask_onetrace.telemetry.observed_apps import current_redactor
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction import SHORT, Redactor
from flask_onetrace.telemetry.redaction.limits import CUT, MAX_MESSAGE, MAX_NAME
from flask_onetrace.telemetry.redaction.log_messages import message_of
from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot, traceback_of
from flask_onetrace.telemetry.spans.span import SPAN_KEY, LightSpan

NO_REQUEST: Final = "-"
"""What the id fields show outside a request, so that a missing id is seen to be missing."""

MAX_LINE: Final = 256 * 1024 - 26
"""Bytes: what PutLogEvents takes as one event, less the overhead that it counts for each."""

SCOPE_ATTRIBUTE = "request_scope"
"""Of a log record: the request whose access line it is."""
CLIENT_ERROR, SERVER_ERROR = 400, 500
_PLAIN_SIZE = 750
"""Bytes that a line with a short message keeps alive."""
_HALF_A_MICROSECOND: Final = 0.0005
"""In milliseconds."""
_END_OF_TIMES: Final = 253_402_300_800_000
"""Milliseconds since the epoch, until the year 10,000, which `datetime` does not have."""
_MAX_CACHED_PATH: Final = 256
"""Characters of a path whose part of the line is cached: a full cache then takes a megabyte or so."""
_MILLISECONDS: Final = tuple(f".{number:03}+00:00" for number in range(1000))
_IDS_OUTSIDE_REQUESTS: Final = ",".join(f'"{name}":"{NO_REQUEST}"' for name in ("trace_id", "span_id", "xray_trace_id"))


class LineFormat(NamedTuple):
    """The fields that all lines of one app share: the service's version, and the `logger` of access lines."""

    version: str
    access_logger: str


@dataclass(slots=True)
class LogLine:
    """A record captured on the caller's thread. It is encoded later, on the thread that sends it."""

    created: int
    """Milliseconds since the epoch."""
    level: str
    logger: str
    message: str
    exception: ExceptionSnapshot | None
    scope: TraceScope | None
    span_id: int
    fields: Mapping[str, Any] | None = None
    """Further fields of the JSON object, as `extra` gives them."""
    size: int = _PLAIN_SIZE
    """An estimate of the bytes that it keeps alive."""


Line = LogLine | RequestScope
"""The source of a line: a record, or a request that has ended, whose access line shows what its scope holds."""


def capture(record: logging.LogRecord) -> Line:
    """Capture from `record`, and from the request it belongs to, what its line will show."""
    attributes: Mapping[Any, Any] = record.__dict__
    access_scope = attributes.get(SCOPE_ATTRIBUTE)
    if access_scope is not None and isinstance(access_scope, RequestScope):  # else an `extra` of that name
        return access_scope
    context: Mapping[str, Any] = current_context()
    scope: TraceScope | None = context.get(SCOPE_KEY) or scope_of_span(context.get(SPAN_KEY))
    redact = scope.telemetry.redact if scope is not None else current_redactor()
    if not record.args and type(record.msg) is str:
        message = record.msg
    elif not record.args and issubclass(type(record.msg), Mapping):
        members = redact.copier().mapping(record.msg)  # type: ignore[arg-type]  # known by its class
        message = dumps(members).decode()
        attributes = {**attributes, MESSAGE_MEMBERS: members}
    else:
        message = message_of(record, redact)
    size = _PLAIN_SIZE
    if len(message) <= SHORT and message.isascii():
        message = redact.short_text(message)
    else:
        message = redact.text(message, MAX_MESSAGE)
        size += getsizeof(message)
    exception = _snapshot(record.exc_info, scope, redact) if record.exc_info else None
    span_id = 0
    if scope is not None:
        span = context.get(SPAN_KEY)
        # By type, which is quick to say no: an abstract class is not.
        span_id = (span if type(span) is LightSpan and span.trace_id == scope.trace_id else scope.span).span_id
        size += scope.size
    level, logger = record.levelname, record.name
    if type(level) is not str or type(logger) is not str or len(level) > MAX_NAME or len(logger) > MAX_NAME:
        level, logger = text(level)[:MAX_NAME], text(logger)[:MAX_NAME]
    created = -1
    # A record made by hand may have any object there, of which 1000 times as much may be more than fits.
    if type(record.created) in (float, int) and 0 <= record.created < _END_OF_TIMES:
        # It may be too small by half a microsecond.
        created = int(record.created * 1000 + _HALF_A_MICROSECOND)
    if not 0 <= created < _END_OF_TIMES:
        created = time_ns() // 1_000_000
    line = LogLine(created, level, logger, message, exception, scope, span_id, None, size)
    if exception is not None:
        line.size += exception.size
    # Their number says at once whether there is an `extra`.
    if len(attributes) != PLAIN_ATTRIBUTES or record.stack_info:
        line.fields = fields_of(attributes, redact)
        line.size += estimate(line.fields)
    return line


def _snapshot(exc_info: Any, scope: TraceScope | None, redact: Redactor) -> ExceptionSnapshot | None:  # noqa: ANN401 - any value, of a record made by hand
    try:
        _, error, traceback = exc_info
        is_usual = isinstance(error, BaseException | None) and isinstance(traceback, TracebackType | None)
    except Exception:  # noqa: BLE001 - a record made by hand may have any object there
        return None
    if not is_usual:
        return None
    if scope is not None and error is not None and scope.extras:
        note_logged(scope, error)
    if scope is not None and error is scope.error and error is not None and traceback_of(error) is traceback:
        return scope.error_snapshot()  # the span shows it too
    return ExceptionSnapshot(error, traceback, redact)


def encode(line: Line, line_format: LineFormat) -> str:
    """Return the line as one JSON object, without a newline, that UTF-8 can carry.

    A record too long for an event is cut to what fits.
    """
    if not isinstance(line, LogLine):
        return _access_line(line, line_format)
    exception = line.exception.text() if line.exception is not None else None
    encoded = _log_line(line, exception, line_format.version)
    if len(encoded) <= MAX_LINE // 4 or size_of(encoded) <= MAX_LINE:
        return encoded
    # One character may take six bytes (`\u0001`), and there are two texts.
    share = MAX_LINE // 14
    shorter = CUT + exception[-share:] if exception is not None else None
    line = replace(line, message=line.message[:share] + CUT)
    encoded = _log_line(line, shorter, line_format.version)
    if size_of(encoded) <= MAX_LINE:
        return encoded
    return _log_line(replace(line, fields={"left_out": "fields: the line was too long"}), shorter, line_format.version)


def size_of(text: str) -> int:
    """Return how many bytes `text` is in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


# Formatted as text and not from dicts, which would cost twice as much, and in few calls.


def _access_line(scope: RequestScope, line_format: LineFormat) -> str:
    second, millisecond = divmod(scope.created, 1000)
    aborted = "" if scope.aborted is None else f',"aborted":{_string(scope.aborted)}'
    user = "" if scope.user_id is None else f',"user_id":{_string(scope.user_id)}'
    response = _response if len(scope.path) <= _MAX_CACHED_PATH else _response.__wrapped__
    digits = scope.trace_hex
    return _utf8(
        f'{{"timestamp":"{_to_the_second(second)}{_MILLISECONDS[millisecond]}",'
        f"{response(line_format, scope.method, scope.path, scope.route, scope.status)},"
        f'"trace_id":"{digits}","span_id":"{scope.span.span_id.to_bytes(8, "big").hex()}",'
        f'"xray_trace_id":"1-{digits[:8]}-{digits[8:]}"{user},'
        f'"duration_ms":{scope.duration_ms:.3f},"bytes":{scope.bytes_sent},"client_address":{_string(scope.client_address)},'
        # A number, not a boolean: its average is the sampled share.
        f'"sampled":{"1" if scope.sampled else "0"}{aborted}}}'
    )


def _log_line(line: LogLine, exception: str | None, version: str) -> str:
    second, millisecond = divmod(line.created, 1000)
    end = f',"exception":{_string(exception)}}}' if exception is not None else "}"
    encoded = _utf8(
        f'{{"timestamp":"{_to_the_second(second)}{_MILLISECONDS[millisecond]}",'
        f'{_origin(line.level, line.logger, version)},"message":{_string(line.message)},{_request(line)}{end}'
    )
    if not line.fields:
        return encoded
    document = orjson.loads(encoded)
    merge(document, line.fields)
    return escape_controls(dumps(document).decode())


def _utf8(text: str) -> str:
    """Return `text` without lone surrogates, as a malformed path can hold them, and with escaped controls."""
    if text.isascii() and DELETE not in text:
        return text
    return escape_controls(text.encode("utf-8", "replace").decode())


def _request(line: LogLine) -> str:
    """Return the fields of a record's request; the ids' digits are those of `ids`, without calls."""
    scope = line.scope
    if scope is None:
        return _IDS_OUTSIDE_REQUESTS
    digits = scope.trace_hex
    user = "" if scope.user_id is None else f',"user_id":{_string(scope.user_id)}'
    return (
        f'"trace_id":"{digits}","span_id":"{line.span_id.to_bytes(8, "big").hex()}",'
        f'"xray_trace_id":"1-{digits[:8]}-{digits[8:]}"{user},{_cause(scope)}'
    )


def _cause(scope: TraceScope) -> str:
    """Return the fields that name the request, or the job."""
    return _method_and_route(scope.method, scope.route) if scope.is_request else f'"job":{_string(scope.path)}'


@lru_cache(maxsize=256)
def _origin(level: str, logger: str, version: str) -> str:
    return f'"level":{_string(level)},"logger":{_string(logger)},"version":{_string(version)}'


@lru_cache(maxsize=256)
def _method_and_route(method: str, route: str | None) -> str:
    return f'"method":{_string(method)},"route":{_string(route or NO_REQUEST)}'


@lru_cache(maxsize=1024)
def _response(line_format: LineFormat, method: str, path: str, route: str | None, status: int) -> str:
    version, access_logger = line_format
    origin = _origin("ERROR" if status >= SERVER_ERROR else "INFO", access_logger, version)
    message = _string(f"{method} {path} {status}")
    request = f'{_method_and_route(method, route)},"path":{_string(path)}'
    return f'{origin},"message":{message},{request},"status":{status}'


@lru_cache(maxsize=8)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
