"""Let one client send the relay as much as it can take, up to and over its limit, beside innocent ones."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import orjson

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target, unanswered
from bench.attacks.promise import Promise, Row
from bench.attacks.relay_requests import JSON, ORIGIN, batch, post
from bench.load import Load

_MAX_RATIO = 1.10
_LIMIT = 120
"""Requests a minute that the relay takes from one client."""
_RATE = 50
"""Requests a second."""
_ATTEMPTS = 3
_MAX_BODY = 256 * 1024
_MAX_MIB = 16.0
_PROMISE = f"others' p50 rises by at most {(_MAX_RATIO - 1) * 100:.0f} %, and none of their requests fails"


@dataclass(frozen=True, slots=True)
class Flood:
    """Requests to the relay from one client: the first of its minute, or further ones."""

    name: str
    body: bytes
    is_over_limit: bool = True
    origin: str = ORIGIN
    content_type: str = JSON

    @property
    def promise(self) -> Promise:
        """The row of this kind."""
        limit = "over" if self.is_over_limit else "up to"
        return Promise(f"one client {limit} the relay's limit, {_RATE} requests a second: {self.name}", _PROMISE)

    def request(self, client: str) -> bytes:
        """Return one request of `client`."""
        return post(self.body, client=client, origin=self.origin, content_type=self.content_type)


_BATCHES = orjson.dumps(batch(spans=400))
_EMPTY = b'{"resourceSpans":[{"resource":{"attributes":[' + b",".join([b"{}"] * 87_000) + b"]}}]}"
_DEEP = b'{"resourceSpans":[{"resource":{"attributes":[{"value":' + b'{"arrayValue":{"values":[' * 9_000
FLOODS = (
    Flood("valid batches of 400 spans", _BATCHES, is_over_limit=False),
    Flood("87,000 empty attributes", _EMPTY, is_over_limit=False),
    Flood("JSON nested 18,000 deep", _DEEP[:_MAX_BODY], is_over_limit=False),
    Flood("valid batches of 400 spans", _BATCHES),
    Flood("87,000 empty attributes", _EMPTY),
    Flood("256 KiB from another origin", b" " * _MAX_BODY, origin="http://evil.test"),
    Flood("256 KiB of another type", b" " * _MAX_BODY, content_type="text/plain"),
)
LIMITER_MEMORY = Promise(
    "requests to the relay from 100,000 client addresses (`X-Forwarded-For`, IPv4 and IPv6; 5,000 in short)",
    f"the worker's memory grows by at most {_MAX_MIB:.0f} MiB",
)
PROMISES = (*(flood.promise for flood in FLOODS), LIMITER_MEMORY)


def run(lab: Lab) -> Iterator[Row]:
    """Run each flood, and then one request from each of many addresses."""
    with lab.target(keeps_bodies=False) as target:
        target.innocent(0.5)
        for flood in FLOODS:
            yield _flooded(target, flood, 0.8 if lab.short else 2.0)
    with lab.target(keeps_bodies=False) as target:
        yield _limiter_memory(target, 5_000 if lab.short else 100_000)


def _flooded(target: Target, flood: Flood, seconds: float) -> Row:
    best = _compare(target, flood, seconds)
    for _ in range(_ATTEMPTS - 1):  # what else the machine does varies more than the promise allows
        if best[0] > _MAX_RATIO:
            best = min(best, _compare(target, flood, seconds))
    ratio, share, failed = best
    text = f"p50 {(ratio - 1) * 100:+.0f} %, {failed} failed; the flood takes {share * 100:.0f} % of a core"
    return flood.promise.row(text, holds=ratio <= _MAX_RATIO and not failed, only_slower=not failed)


def _compare(target: Target, flood: Flood, seconds: float) -> tuple[float, float, int]:
    """Return the ratio of the others' p50, the flood's share of a core, and how many of their requests failed."""
    client = str(IPv4Address(secrets.randbits(32)))  # one that has sent nothing in this minute
    if flood.is_over_limit:
        raw_http.send_many(target.port, [post(batch(), client=client)] * _LIMIT)
    undisturbed, cpu = _with_cpu(target, seconds)
    is_over = threading.Event()
    arguments = (target.port, flood.request(client), is_over)
    flooding = threading.Thread(target=_send_steadily, args=arguments, daemon=True)
    flooding.start()
    disturbed, cpu_flooded = _with_cpu(target, seconds)
    is_over.set()
    flooding.join()
    return disturbed.p50 / undisturbed.p50, max(0.0, cpu_flooded - cpu) / seconds, unanswered(disturbed)


def _with_cpu(target: Target, seconds: float) -> tuple[Load, float]:
    before = target.cpu()
    return target.innocent(seconds), target.cpu() - before


def _send_steadily(port: int, request: bytes, is_over: threading.Event) -> None:
    start, sent = time.monotonic(), 0
    while not is_over.wait(max(0.0, start + sent / _RATE - time.monotonic())):
        raw_http.send(port, request, timeout=2.0)
        sent += 1


def _limiter_memory(target: Target, addresses: int) -> Row:
    body = batch()
    raw_http.send_many(target.port, [post(body, client=_address(number)) for number in range(100)])
    before = target.rss()
    requests = (post(body, client=_address(number)) for number in range(100, 100 + addresses))
    statuses = raw_http.send_many(target.port, requests)
    growth = target.rss() - before
    answered = sum(count for status, count in statuses.items() if status)
    text = f"{growth:+.1f} MiB after {answered:,} responses"
    return LIMITER_MEMORY.row(text, holds=growth <= _MAX_MIB and answered == addresses)


def _address(number: int) -> str:
    # Each in a network of its own, as a client with one prefix would otherwise count as one.
    return str(IPv6Address((0x2001_0DB8 << 96) + (number << 64))) if number % 2 else str(IPv4Address(number << 8))
