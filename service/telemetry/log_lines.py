"""Make each log line one JSON object that carries the ids of its request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring as _string
from time import time_ns
from typing import Any, Final

import orjson
from opentelemetry.context import get_current

from service.contract import ACCESS_LOGGER, LOGGER_FIELD, PATH_FIELD, SAMPLED_FIELD
from service.telemetry.context.request_scope import SCOPE_KEY, RequestScope
from service.telemetry.export.safe_json import dumps
from service.telemetry.ids import span_hex
from service.telemetry.spans.exceptions import Told
from service.telemetry.spans.span import SPAN_KEY, LightSpan

NO_REQUEST: Final = "-"
"""What the id fields show outside a request, so that a missing id is seen to be missing."""

MAX_LINE: Final = 256 * 1024 - 26
"""Bytes: what PutLogEvents takes as one event, less the overhead that it counts for each."""

_access_logger = logging.getLogger(ACCESS_LOGGER)
_service_logger = logging.getLogger("service")
_root_logger = logging.getLogger()
_SCOPE = "request_scope"
_SERVER_ERROR = 500
_HALF_A_MICROSECOND: Final = 0.0005
"""In milliseconds."""
_LONGEST_KEPT: Final = 256
"""Characters of a path whose part of the line is kept written: with as many as are kept, a megabyte or so."""
_THOUSANDTHS: Final = tuple(f".{number:03}+00:00" for number in range(1000))
_OF_NO_REQUEST: Final = ",".join(f'"{name}":"{NO_REQUEST}"' for name in ("trace_id", "span_id", "xray_trace_id"))


@dataclass(slots=True)
class LogLine:
    """A record taken out of the caller's hands. Its JSON is made later, on the thread that sends it."""

    created: int
    """Milliseconds since the epoch."""
    level: str
    logger: str
    message: str
    exception: Told | None
    scope: RequestScope | None
    span_id: int
    fields: Mapping[str, Any] | None = None
    """Further fields of the JSON object, as `extra={"fields": {...}}` gives them."""


Line = LogLine | RequestScope
"""What a line is made of: a record, or a request that is over, whose access line says what its scope knows."""


def capture(record: logging.LogRecord) -> Line:
    """Take from `record`, and from the request it belongs to, what its line will show."""
    held = record.__dict__
    made = held.get(_SCOPE)
    if isinstance(made, RequestScope):  # else an `extra` of that name
        return made
    here: Mapping[str, Any] = get_current()
    scope: RequestScope | None = here.get(SCOPE_KEY)
    return LogLine(
        int(record.created * 1000 + _HALF_A_MICROSECOND),  # a float of seconds may be too small by that
        record.levelname,
        record.name,
        _message(record),
        _told(record, scope) if record.exc_info else None,
        scope,
        _span_id(scope, here.get(SPAN_KEY)) if scope is not None else 0,
        fields=_further(held["fields"]) if "fields" in held else None,
    )


def log_access(scope: RequestScope) -> None:
    """Write the one access line of a request that was answered: INFO, or ERROR for a 5xx."""
    level = logging.ERROR if scope.status >= _SERVER_ERROR else logging.INFO
    if not _access_logger.isEnabledFor(level):
        return
    scope.created = time_ns() // 1_000_000
    for log in scope.telemetry.access_logs:
        log(scope)
    if _heard_elsewhere():
        text = f"{scope.method} {scope.path} {scope.status}"
        record = _access_logger.makeRecord(ACCESS_LOGGER, level, "", 0, text, (), None)
        setattr(record, _SCOPE, scope)
        _access_logger.handle(record)


def _heard_elsewhere() -> bool:
    """Return whether somebody listens by a handler of their own: ours, one on the root, is told without a record."""
    return bool(_access_logger.handlers or _service_logger.handlers or len(_root_logger.handlers) > 1)


def _span_id(scope: RequestScope, span: object) -> int:
    # By type, which is quick to say no: an abstract class is not.
    if type(span) is LightSpan and span.trace_id == scope.trace_id:
        return span.span_id
    return scope.span.span_id


def _further(fields: object) -> Mapping[str, Any] | None:
    """Return what `extra={"fields": …}` gave; other libraries may mean something else by that name."""
    return fields if isinstance(fields, Mapping) else None


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


def encode(line: Line, version: str) -> str:
    """Return the line of the service's `version` as one JSON object, without a newline, that UTF-8 can carry.

    Of a record too long for an event, it is what fits of its text.
    """
    if isinstance(line, RequestScope):
        return _utf8(_access(line, version))
    exception = line.exception.text() if line.exception is not None else None
    made = _json(line, exception, version)
    if len(made) <= MAX_LINE // 4 or size_of(made) <= MAX_LINE:
        return made
    # One character may take six bytes (`\u0001`), and there are two texts.
    share = MAX_LINE // 14
    shorter = "…" + exception[-share:] if exception is not None else None
    return _json(replace(line, message=line.message[:share] + "…"), shorter, version)


def size_of(text: str) -> int:
    """Return how many bytes `text` is in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


# The texts are put together here and not from dicts, which would cost twice as much.


def _access(scope: RequestScope, version: str) -> str:
    answer = _answer if len(scope.path) <= _LONGEST_KEPT else _answer.__wrapped__
    return (
        f'{{"timestamp":"{_timestamp(scope.created)}",'
        f"{answer(version, scope.method, scope.path, scope.route, scope.status)},{_ids(scope, scope.span.span_id)},"
        f'"duration_ms":{scope.duration_ms:.3f},"bytes":{scope.bytes_sent},'
        # A number, and no boolean: its average is the share.
        f'"client_address":{_string(scope.client_address)},"{SAMPLED_FIELD}":{int(scope.sampled)}}}'
    )


def _json(line: LogLine, exception: str | None, version: str) -> str:
    scope = line.scope
    end = f',"exception":{_string(exception)}}}' if exception is not None else "}"
    where = f"{_ids(scope, line.span_id)},{_of(scope.method, scope.route)}" if scope is not None else _OF_NO_REQUEST
    said = f'{_origin(line.level, line.logger, version)},"message":{_string(line.message)}'
    made = _utf8(f'{{"timestamp":"{_timestamp(line.created)}",{said},{where}{end}')
    return dumps({**line.fields, **orjson.loads(made)}).decode() if line.fields else made


def _utf8(made: str) -> str:
    """Return `made` without lone surrogates, as a strange path can hold them."""
    return made if made.isascii() else made.encode("utf-8", "replace").decode()


def _timestamp(milliseconds: int) -> str:
    second, thousandths = divmod(milliseconds, 1000)
    return f"{_to_the_second(second)}{_THOUSANDTHS[thousandths]}"


def _ids(scope: RequestScope, span_id: int) -> str:
    digits = scope.trace_hex
    user = "" if scope.user_id is None else f',"user_id":{_string(scope.user_id)}'
    xray_id = f"1-{digits[:8]}-{digits[8:]}"
    return f'"trace_id":"{digits}","span_id":"{span_hex(span_id)}","xray_trace_id":"{xray_id}"{user}'


@lru_cache(maxsize=256)
def _origin(level: str, logger: str, version: str) -> str:
    return f'"level":{_string(level)},"{LOGGER_FIELD}":{_string(logger)},"version":{_string(version)}'


@lru_cache(maxsize=256)
def _of(method: str, route: str | None) -> str:
    return f'"method":{_string(method)},"route":{_string(route or NO_REQUEST)}'


@lru_cache(maxsize=1024)
def _answer(version: str, method: str, path: str, route: str | None, status: int) -> str:
    origin = _origin("ERROR" if status >= _SERVER_ERROR else "INFO", ACCESS_LOGGER, version)
    message = _string(f"{method} {path} {status}")
    return f'{origin},"message":{message},{_of(method, route)},"{PATH_FIELD}":{_string(path)},"status":{status}'


@lru_cache(maxsize=8)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class JsonFormatter(logging.Formatter):
    """Format a record as the same JSON line that CloudWatch gets from the service's `version`."""

    def __init__(self, version: str) -> None:
        super().__init__()
        self._version = version

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return encode(capture(record), self._version)
