"""Limit what the relay accepts, in units of work, from each client and from all of them, before anything is parsed."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from socket import AF_INET, AF_INET6, inet_pton
from threading import Lock
from typing import Final

from flask_onetrace.telemetry.export.token_bucket import TokenBucket

CLIENT_UNITS: Final = 1_200
SERVICE_UNITS: Final = 6_000
"""Units a minute, of one client and of all, in all workers of a task together.

A unit is a span, a KiB of a body, 64 elements of one, or a request that has none of these. A page that is in use sends
up to 60 spans as it loads and two for each click, and a site behind one address has several; all clients together can
cost at most 6,000 of the back end's events a minute, and one percent of a CPU.
"""
BYTES_PER_UNIT: Final = 1024
ELEMENTS_PER_UNIT: Final = 64
MAX_CLIENTS: Final = 4096
"""Clients that are remembered, in about 1 MiB. A forgotten one starts with a full bucket, within the limit of all."""
_MINUTE = 60.0
_IPV6_NETWORK = 8
"""Bytes of the network that one client gets: it can use any of the addresses in it ("IPv6 Address Assignment to End
Sites", RFC 6177)."""
_IPV4_MAPPED = b"\0" * 10 + b"\xff\xff"


class RelayLimiter:
    """Token buckets, one for each client and one for all, in a table of bounded size.

    `smallest_burst` is what an idle client may always send at once, however many workers share the limit.
    """

    def __init__(self, workers: int, smallest_burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        a_minute = CLIENT_UNITS / workers, SERVICE_UNITS / workers
        self._rates = a_minute[0] / _MINUTE, a_minute[1] / _MINUTE
        self._bursts = max(a_minute[0], smallest_burst), max(a_minute[1], smallest_burst)
        self._all = TokenBucket(self._bursts[1], clock())
        self._clients: OrderedDict[bytes, TokenBucket] = OrderedDict()

    def take_request(self, client: bytes) -> bool:
        """Take one unit from `client` for a request of which nothing is read yet; return whether it had one."""
        with self._lock:
            bucket = self._bucket_of(client, self._clock())
            is_available = bucket.tokens >= 1
            bucket.tokens -= is_available
            return is_available

    def take(self, client: bytes, units: float) -> str | None:
        """Take `units` from both buckets, or none and return whose limit is reached: `client` or `service`."""
        with self._lock:
            now = self._clock()
            bucket, shared = self._bucket_of(client, now), self._all
            shared.refill(now, self._rates[1], self._bursts[1])
            if bucket.tokens < units:
                return "client"
            if shared.tokens < units:
                return "service"
            bucket.tokens -= units
            shared.tokens -= units
            return None

    def _bucket_of(self, client: bytes, now: float) -> TokenBucket:
        bucket = self._clients.get(client)
        if bucket is None:
            bucket = self._clients[client] = TokenBucket(self._bursts[0], now)
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
            return bucket
        self._clients.move_to_end(client)
        bucket.refill(now, self._rates[0], self._bursts[0])
        return bucket


def units_of(size: int, elements: int) -> int:
    """Return the units of a body of `size` bytes with at most `elements` elements, 1 or more."""
    return 1 + max(size // BYTES_PER_UNIT, elements // ELEMENTS_PER_UNIT)


def client_key(address: str) -> bytes:
    """Return the client that has `address`: an IPv4 address, or an IPv6 network of 64 bits.

    A load balancer can be told to add the port ("X-Forwarded-For", ALB documentation). All texts that are no address
    are one client.
    """
    host = address
    if address.startswith("["):
        host = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        host = address.partition(":")[0]
    try:
        if ":" not in host:
            return inet_pton(AF_INET, host)
        packed = inet_pton(AF_INET6, host.partition("%")[0])
    except (OSError, ValueError):
        return b""
    return packed[12:] if packed.startswith(_IPV4_MAPPED) else packed[:_IPV6_NETWORK]
