"""Fill the queues with the largest requests that gunicorn accepts, while sinks are away or stall."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target
from bench.attacks.promise import Promise, Row
from bench.paths import HEALTH_CHECK, HOME
from bench.testbed.fake_servers import Mode
from bench.testbed.sinks import SINKS

_FIELD = 8_000
"""Bytes: gunicorn accepts 8,190 of a header field, and 4,094 of the request line."""
_QUEUES_MIB, _SLACK_MIB = 38.0, 26.0
_SLOWEST_SECONDS = 1.0
_INNOCENT = 80
_STALL_SECONDS = 3.0
_STALLED_RATE = 100
LARGE = {
    "User-Agent": "a" * _FIELD,
    "baggage": ",".join(f"key{number}={'b' * 100}" for number in range(_FIELD // 110)),
    "tracestate": ",".join(f"key{number}={'c' * 200}" for number in range(30)),
    "traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01",
    "X-Forwarded-For": "10.0.0.1, " * (_FIELD // 10) + "d" * 40,
    "Referer": "e" * _FIELD,
    "Cookie": "f=" + "f" * (_FIELD - 2),
}
_LARGE_PATH = f"{HOME}?term={'g' * 3_900}"
SINKS_AWAY = Promise(
    "24,000 requests with the largest headers, all four sinks away (2,000 in short)",
    f"the worker grows by at most {_QUEUES_MIB:.0f} MiB of queues and {_SLACK_MIB:.0f} MiB of slack",
)
HUGE_EXCEPTION = Promise(
    f"an exception with a text of 50 MB among {_INNOCENT} innocent requests",
    f"all {_INNOCENT} spans arrive, and the failing request takes at most {_SLOWEST_SECONDS:.0f} s",
)
STALLED = Promise(
    f"{_STALLED_RATE} requests a second with the largest headers while Honeycomb stalls for {_STALL_SECONDS:.0f} s",
    "no span is lost",
)
PROMISES = (SINKS_AWAY, HUGE_EXCEPTION, STALLED)


def run(lab: Lab) -> Iterator[Row]:
    """Measure the three, each with a service of its own."""
    with lab.target(keeps_bodies=False) as target:
        yield _sinks_away(target, 2_000 if lab.short else 24_000)
    with lab.target() as target:
        yield _huge_exception(target)
    with lab.target() as target:
        yield _stalled(target)


def _sinks_away(target: Target, count: int) -> Row:
    raw_http.send_many(target.port, [raw_http.request(HOME)] * 500)
    before = target.rss()
    target.sinks.set(SINKS, Mode.REFUSED)
    statuses = raw_http.send_many(target.port, [raw_http.request(_LARGE_PATH, LARGE)] * count)
    growth = target.rss() - before
    answered = statuses.get(200, 0)
    text = f"{growth:+.1f} MiB after {answered:,} responses"
    return SINKS_AWAY.row(text, holds=growth <= _QUEUES_MIB + _SLACK_MIB and answered == count)


def _huge_exception(target: Target) -> Row:
    seconds: list[float] = []

    def fail() -> None:
        start = time.monotonic()
        raw_http.get(target.port, "/attack/huge", timeout=20.0)
        seconds.append(time.monotonic() - start)

    victim = threading.Thread(target=fail)
    for number in range(_INNOCENT):
        if number == _INNOCENT // 2:
            victim.start()
        raw_http.get(target.port, HOME, timeout=20.0)
    victim.join()
    arrived = _count_home_spans(target, _INNOCENT)
    [slowest] = seconds
    text = f"{arrived} spans; the failing request took {slowest:.2f} s"
    return HUGE_EXCEPTION.row(text, holds=arrived == _INNOCENT and slowest <= _SLOWEST_SECONDS)


def _stalled(target: Target) -> Row:
    raw_http.get(target.port, HEALTH_CHECK)
    target.sinks.set(("honeycomb",), Mode.HANG)
    start, sent, answered = time.monotonic(), 0, 0
    while time.monotonic() - start < _STALL_SECONDS:
        response = raw_http.get(target.port, f"{_LARGE_PATH}{sent}", LARGE)
        sent += 1
        answered += response.status == 200
        time.sleep(max(0.0, start + sent / _STALLED_RATE - time.monotonic()))
    target.sinks.set(("honeycomb",), Mode.LIVE)
    arrived = _count_home_spans(target, answered, seconds=15.0)
    return STALLED.row(f"{answered - arrived} of {answered} lost", holds=arrived == answered > 0)


def _count_home_spans(target: Target, expected: int, *, seconds: float = 8.0) -> int:
    def count() -> int:
        return len({span["spanId"] for span in target.received.spans() if span["name"] == f"GET {HOME}"})

    target.received.wait_for(lambda _: count() >= expected, seconds)
    return count()
