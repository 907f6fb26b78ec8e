"""Decide whether and when a request to Honeycomb is sent again.

Source: Honeycomb API reference, "Rate limits": an answer of 429 names in `Retry-After` (RFC 9110, 10.2.3: a date, or
seconds) when to come back, and may say in `RateLimit` in how many seconds the window starts anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from requests import Response

ATTEMPTS: Final = 4
"""How often one request is sent at most."""

LONGEST_WAIT: Final = 180.0
"""Seconds that one run waits at most, all its requests together."""

SHORTEST_PAUSE: Final = 1.0
RATE_LIMITED: Final = 429
SERVER_ERRORS: Final = range(500, 600)
REPEATABLE: Final = frozenset({"GET", "PUT"})
"""What does the same when done twice. A POST that failed may have made something all the same."""

_RESET = re.compile(r"reset=(\d+)")


@dataclass
class Patience:
    """Wait, by `wait` in seconds, while the run's whole allowance lasts."""

    wait: Callable[[float], None]
    left: float = LONGEST_WAIT

    def allows(self, seconds: float) -> bool:
        """Wait `seconds` and return true; without waiting, return false where that is more than is left."""
        if seconds > self.left:
            return False
        self.left -= seconds
        self.wait(seconds)
        return True


def pause_before_retry(method: str, answer: Response | None, attempt: int) -> float | None:
    """Return in how many seconds to send the request again after its `attempt`-th time; nothing where it is over.

    No `answer` means that none came.
    """
    if answer is not None and answer.status_code == RATE_LIMITED:
        return asked_pause(answer)
    failed = answer is None or answer.status_code in SERVER_ERRORS
    return SHORTEST_PAUSE * 2 ** (attempt - 1) if failed and method in REPEATABLE else None


def asked_pause(answer: Response) -> float:
    """Return how many seconds a rate-limited answer asks to wait."""
    after = answer.headers.get("Retry-After", "").strip()
    if after.isdecimal():
        return max(float(after), SHORTEST_PAUSE)
    if (moment := _moment(after)) is not None:
        # By the server's own clock, if it says its time: this machine's may be wrong.
        now = _moment(answer.headers.get("Date", "")) or datetime.now(UTC)
        return max((moment - now).total_seconds(), SHORTEST_PAUSE)
    reset = _RESET.search(answer.headers.get("RateLimit", ""))
    return max(float(reset[1]), SHORTEST_PAUSE) if reset else SHORTEST_PAUSE


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
