"""Let one cause of error items recur so often that others would not get through."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target
from bench.attacks.promise import Promise, Row

_RATE = 46
_CAUSES = 20
_AT_ONCE = 300
_REPORTED = "/rollbar/test"
_DELAY = 0.05
"""Seconds that the fake Rollbar takes to accept an item: it then takes 20 a second."""
OTHER_CAUSES = Promise(
    f"{_AT_ONCE} requests for {_REPORTED} at once, then {_RATE} a second, while Rollbar takes 20 items a second",
    f"the items of {_CAUSES} errors of other causes in between arrive",
)
PROMISES = (OTHER_CAUSES,)


def run(lab: Lab) -> Iterator[Row]:
    """Report one cause for some seconds, and raise the others in the second half."""
    with lab.target({"FAULT_ROUTES": "true"}) as target:
        target.sinks.servers["rollbar"].delay = _DELAY
        raw_http.send_many(target.port, [raw_http.request(_REPORTED)] * _AT_ONCE)
        reported = _report_and_raise(target, 2.0 if lab.short else 8.0)
        target.sinks.servers["rollbar"].delay = 0.0
        target.received.settle()
        arrived = {cause for item in target.received.items() for cause in _causes() if cause in str(item["body"])}
    text = f"{len(arrived)} of {_CAUSES} arrived, beside {_AT_ONCE + reported} reports"
    yield OTHER_CAUSES.row(text, holds=len(arrived) == _CAUSES)


def _report_and_raise(target: Target, seconds: float) -> int:
    """Return how often the one cause was reported."""
    start, sent, raised = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - start) < seconds or raised < _CAUSES:
        raw_http.get(target.port, _REPORTED)
        sent += 1
        if raised < _CAUSES and elapsed >= seconds * (1 + raised / _CAUSES) / 2:
            raw_http.get(target.port, f"/attack/cause/{raised}")
            raised += 1
        time.sleep(max(0.0, start + sent / _RATE - time.monotonic()))
    return sent


def _causes() -> list[str]:
    return [f"Cause{number}Error" for number in range(_CAUSES)]
