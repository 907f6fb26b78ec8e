"""Answer requests that never reach the app, and count them: one log line a minute, however many there are."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors

from flask_onetrace.contract import TRACE_ID_HEADER

logger = logging.getLogger(__name__)

OVERLOADED: Final = HTTPStatus.SERVICE_UNAVAILABLE, "too many requests are waiting: retry later"
REPORT_INTERVAL: Final = 60.0
_STATUS_OF: Final = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
"""The statuses that gunicorn gives them ("Transfer-Encoding", RFC 9112, section 6.1, for the last one)."""


class Rejections:
    """Count rejected requests and dropped connections by reason."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._reported_at = float("-inf")

    def add(self, reason: str) -> None:
        """Count one rejection."""
        self._counts[reason] += 1

    def report(self, *, now: bool = False) -> None:
        """Log the counts since the last line, at most once a minute unless `now`."""
        if not self._counts or not (now or time.monotonic() - self._reported_at >= REPORT_INTERVAL):
            return
        counts, self._counts = self._counts, Counter()
        self._reported_at = time.monotonic()
        self._total += counts.total()
        reasons = ", ".join(f"{count} {reason}" for reason, count in counts.most_common())
        # Never what a client sent: a malformed header may be a credential.
        logger.warning(
            "%d requests rejected, %d since start: %s",
            counts.total(),
            self._total,
            reasons,
            extra={"fields": {"rejected": dict(counts)}},
        )


def status_and_message(error: Exception) -> tuple[HTTPStatus, str]:
    """Return how to answer a request that gunicorn's parser rejects, or for which it raises anything else."""
    status = HTTPStatus.BAD_REQUEST
    if isinstance(error, errors.ParseException):
        return _STATUS_OF.get(type(error), status), str(error)
    return status, status.description


def error_response(status: HTTPStatus, message: str, trace_id: str | None = None, method: str = "") -> bytes:
    """Return a whole response in the form of `service/routes/errors.py`; the connection closes after it."""
    error = {"status": status.value, "name": status.phrase, "message": message}
    body = json.dumps({"error": error, "trace_id": trace_id}).encode()
    retry = "Retry-After: 1\r\n" if status is HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n{retry}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + (body if method != "HEAD" else b"")


def trace_id_of(response: Any) -> str | None:  # noqa: ANN401 - gunicorn's type
    """Return the trace id that a response carries."""
    return next((value for name, value in response.headers if name == TRACE_ID_HEADER), None)


def log_cut_off(response: Any, reason: str, unsent: int) -> None:  # noqa: ANN401 - as above
    """Log a response that was cut off after its handler ended: its access line counts the `unsent` bytes as sent."""
    fields = {"aborted": reason, "unsent_bytes": unsent}
    message = "response of trace %s not sent whole: %s, %d bytes left"
    logger.info(message, trace_id_of(response), reason, unsent, extra={"fields": fields})
