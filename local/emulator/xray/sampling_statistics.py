"""Count what clients report of X-Ray sampling rules.

Sources: X-Ray API reference, GetSamplingTargets, GetSamplingStatisticSummaries and SamplingStatisticSummary, which
aggregates a rule's counts of all clients for a window of 10 seconds. How long AWS keeps them is not documented.
"""

from __future__ import annotations

import time
from typing import Any, Final

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import new_store

WINDOW: Final = 10
"""Seconds."""
KEPT_WINDOWS: Final = 60
PAGE: Final = 100
"""Summaries of one response."""
COUNTS: Final = ("RequestCount", "SampledCount", "BorrowCount")

_windows: Final[Any] = new_store()


def count(document: Json) -> None:
    """Add a client's counts of one rule to the current window. Raises `ServiceError` for one that is no count."""
    counts = {name: document.get(name, 0) for name in COUNTS}
    for name, value in counts.items():
        if not isinstance(value, int) or value < 0:
            raise ServiceError("InvalidRequestException", f"{name} {value!r} is not a count")
    # By the time of arrival: a client's clock may be wrong.
    window = int(time.time()) // WINDOW * WINDOW
    for expired in [each for each in _windows if each <= window - KEPT_WINDOWS * WINDOW]:
        _windows.pop(expired)
    total = _windows.setdefault(window, {}).setdefault(document["RuleName"], dict.fromkeys(COUNTS, 0))
    for name, value in counts.items():
        total[name] += value


def get_summaries(request: Json) -> Json:
    """Return the counts of each rule and window, oldest first, a page at a time."""
    try:
        start = int(request.get("NextToken") or 0)
    except (TypeError, ValueError):
        raise ServiceError("InvalidRequestException", "NextToken is not one that was returned") from None
    summaries = [
        {"RuleName": rule, "Timestamp": window, **counts}
        for window in sorted(_windows)
        for rule, counts in _windows[window].items()
    ]
    page = {"SamplingStatisticSummaries": summaries[start : start + PAGE]}
    return page | ({"NextToken": str(start + PAGE)} if start + PAGE < len(summaries) else {})
