"""Make each log line one JSON object that carries the ids of its request."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import orjson
from opentelemetry import trace

from service.telemetry.ids import span_hex
from service.telemetry.scope import RequestScope, current_scope

NO_REQUEST: Final = "-"
"""What the id fields show outside a request, so that a missing id is seen to be missing."""

MAX_LINE: Final = 256 * 1024 - 26
"""Bytes: what PutLogEvents takes as one event, less the overhead that it counts for each."""

ACCESS_LOGGER: Final = "service.access"
_SCOPE = "request_scope"
_FIELDS = "log_fields"


class LogLine(NamedTuple):
    """A record taken out of the caller's hands: nothing in it changes any more."""

    created: float
    level: str
    logger: str
    message: str
    exception: str | None
    fields: Mapping[str, Any]


def capture(record: logging.LogRecord) -> LogLine:
    """Take from `record`, and from the request it belongs to, what its line will show."""
    return LogLine(
        created=record.created,
        level=record.levelname,
        logger=record.name,
        message=_message(record),
        exception="".join(traceback.format_exception(*record.exc_info)) if record.exc_info else None,
        fields=_request_fields(getattr(record, _SCOPE, None) or current_scope()) | getattr(record, _FIELDS, {}),
    )


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the message, or whose own __str__ raises
        return f"{record.msg} (its arguments could not be formatted)"


def encode(line: LogLine) -> bytes:
    """Return the line as one JSON object in UTF-8, without a newline: of one too long, what fits of its text."""
    made = _json(line)
    if len(made) <= MAX_LINE:
        return made
    # One character may take six bytes (`\u0001`), and there are two texts.
    share = MAX_LINE // 14
    exception = "…" + line.exception[-share:] if line.exception is not None else None
    return _json(line._replace(message=line.message[:share] + "…", exception=exception))


def _json(line: LogLine) -> bytes:
    document: dict[str, Any] = {
        "timestamp": datetime.fromtimestamp(line.created, UTC).isoformat(timespec="milliseconds"),
        "level": line.level,
        "logger": line.logger,
        "message": line.message,
        **line.fields,
    }
    if line.exception is not None:
        document["exception"] = line.exception
    try:
        return orjson.dumps(document, default=str)
    except orjson.JSONEncodeError:  # lone surrogates, as a strange path can hold them
        return orjson.dumps({key: _clean(value) for key, value in document.items()}, default=str)


def _clean(value: object) -> object:
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _request_fields(scope: RequestScope | None) -> dict[str, Any]:
    if scope is None:
        return {"trace_id": NO_REQUEST, "span_id": NO_REQUEST, "xray_trace_id": NO_REQUEST}
    span = trace.get_current_span().get_span_context()
    span_id = span.span_id if span.trace_id == scope.trace_id else scope.span.get_span_context().span_id
    fields: dict[str, Any] = {
        "trace_id": scope.trace_hex,
        "span_id": span_hex(span_id),
        "xray_trace_id": scope.xray_id,
        "method": scope.method,
        "route": scope.route or NO_REQUEST,
    }
    if scope.user_id is not None:
        fields["user_id"] = scope.user_id
    return fields


class JsonFormatter(logging.Formatter):
    """Format a record as the same JSON line that CloudWatch gets."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return encode(capture(record)).decode()


class Access(NamedTuple):
    """What the access line of one request says. `duration_ms` runs to the last byte of the body."""

    status: int
    duration_ms: float
    bytes_sent: int
    client_address: str
    path: str


def log_access(scope: RequestScope, access: Access) -> None:
    """Write the one access line of a request: INFO, or ERROR for a 5xx."""
    level = logging.ERROR if access.status >= 500 else logging.INFO  # noqa: PLR2004 - HTTP's server errors
    logging.getLogger(ACCESS_LOGGER).log(
        level,
        "%s %s %d",
        scope.method,
        access.path,
        access.status,
        extra={
            _SCOPE: scope,
            _FIELDS: {
                "path": access.path,
                "status": access.status,
                "duration_ms": round(access.duration_ms, 3),
                "bytes": access.bytes_sent,
                "client_address": access.client_address,
            },
        },
    )
