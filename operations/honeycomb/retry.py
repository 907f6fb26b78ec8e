"""Decide whether and when to retry a request to Honeycomb.

Source: Honeycomb API reference, "Rate limits": a 429 names in `Retry-After` (RFC 9110, 10.2.3: a date, or seconds) when
to come back, and may give in `RateLimit` the seconds until the window resets.
"""

from __future__ import annotations

import re
import time
from email.utils import mktime_tz, parsedate_tz
from http import HTTPStatus
from typing import Final

from requests import Response

MAX_ATTEMPTS: Final = 4
RETRY_BUDGET: Final = 180.0
"""Seconds that one run may wait between attempts, all its requests together."""
MIN_DELAY: Final = 1.0


def retry_delay(method: str, response: Response | None, attempt: int) -> float | None:
    """Return the seconds to wait after the `attempt`-th attempt, or `None` where a retry cannot help or is not safe.

    `response` is `None` after a connection error. After that, or a 5xx, a POST may have created something: only a 429
    says that it has not.
    """
    if response is not None and response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        return retry_after(response)
    failed = response is None or response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR
    return MIN_DELAY * 2 ** (attempt - 1) if failed and method != "POST" else None


def retry_after(response: Response) -> float:
    """Return the seconds that a 429 asks to wait, one at least."""
    header = response.headers.get("Retry-After", "").strip()
    if header.isdecimal():
        delay = float(header)
    elif (end := _timestamp(header)) is not None:
        # By the server's clock, if it sends its time: this machine's may be wrong.
        now = _timestamp(response.headers.get("Date", ""))
        delay = end - (time.time() if now is None else now)
    else:
        reset = re.search(r"reset=(\d+)", response.headers.get("RateLimit", ""))
        delay = float(reset[1]) if reset else MIN_DELAY
    return max(delay, MIN_DELAY)


def _timestamp(date: str) -> float | None:
    parts = parsedate_tz(date)
    return mktime_tz(parts) if parts else None
