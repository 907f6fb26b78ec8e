"""Hold connections open in every way that keeps a server waiting, and time an innocent client beside them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target, innocent, unanswered
from bench.attacks.promise import Promise, Row
from bench.load import Load
from bench.paths import HOME
from flask_onetrace.contract import RELAY_PATH
from service.routes.page import DIST

_MAX_RISE_MS = 50.0
_PROMISE = f"an innocent client's p99 rises by at most {_MAX_RISE_MS:.0f} ms, and no request of it stays unanswered"
_DRIP_INTERVAL = 0.5
_SETTLES = 0.2
_SMALL_BUFFER = 4_096
_ASSET = max(DIST.glob("assets/*.js"), key=lambda path: path.stat().st_size, default=DIST)
"""The largest file of the page."""
_FILES = 4
"""Requests for it that a slow reader sends: the response to the first one fills the buffers that the service sets."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a connection sends at once, and then every half second. `{host}` is the load balancer's or the service's."""

    name: str
    opening: str
    drip: bytes = b""
    work: float = 0.0
    """Seconds that a server has to work for each connection until it waits: complete requests are served first."""
    reads: bool = True

    @property
    def promise(self) -> Promise:
        """The row of connections of this kind to the service itself."""
        return Promise(f"{self.name}, to the service itself", _PROMISE)


_FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
_SPANS = "Origin: http://{host}\r\nContent-Type: application/json\r\n"
KINDS = (
    Kind("idle connections", ""),
    Kind("slow headers", f"GET {HOME} HTTP/1.1\r\nHost: {{host}}\r\nX-Slow: ", b"x"),
    Kind(
        "60,000 announced bytes to the relay that never come",
        f"POST {RELAY_PATH} HTTP/1.1\r\nHost: {{host}}\r\n{_SPANS}Content-Length: 60000\r\n\r\n",
    ),
    Kind(
        "a form sent byte by byte",
        f"POST {HOME} HTTP/1.1\r\nHost: {{host}}\r\n{_FORM}Content-Length: 60000\r\n\r\n",
        b"x",
    ),
    Kind(
        "a chunked body sent byte by byte",
        f"POST {RELAY_PATH} HTTP/1.1\r\nHost: {{host}}\r\n{_SPANS}Transfer-Encoding: chunked\r\n\r\nffff\r\n",
        b"x",
    ),
    Kind(
        "slow readers",
        f"GET /assets/{_ASSET.name} HTTP/1.1\r\nHost: {{host}}\r\n\r\n" * _FILES,
        work=0.02,
        reads=False,
    ),
    Kind(
        "`Connection: close` without closing",
        f"GET {HOME} HTTP/1.1\r\nHost: {{host}}\r\nConnection: close\r\n\r\n",
        work=0.005,
    ),
)
THROUGH_LOAD_BALANCER = Promise("each of these kinds, through the embedded load balancer", _PROMISE)
PROMISES = (*(kind.promise for kind in KINDS), THROUGH_LOAD_BALANCER)


@dataclass(frozen=True, slots=True)
class Door:
    """Where the service is reached: a port, and the `Host` under which it is known there."""

    port: int
    host: str = "service.test"


@dataclass(frozen=True, slots=True)
class _Outcome:
    kind: Kind
    connections: int
    rise: float
    unanswered: int

    @property
    def holds(self) -> bool:
        return self.rise <= _MAX_RISE_MS and not self.unanswered

    def __str__(self) -> str:
        missing = f", {self.unanswered} unanswered" if self.unanswered else ""
        return f"{self.connections} connections: p99 {self.rise:+.1f} ms{missing}"


def run(lab: Lab) -> Iterator[Row]:
    """Hold 8, 64 and 500 connections of each kind; 64 in short."""
    with lab.target(keeps_bodies=False) as target:
        direct = _Bench(lab, target, Door(target.port))
        for kind in KINDS:
            outcomes = direct.outcomes(kind)
            yield _row(kind.promise, "; ".join(map(str, outcomes)), outcomes)
        balanced = _Bench(lab, target, Door(lab.local.emulated_aws.port, lab.local.load_balancer(target.port)))
        yield _worst([each for kind in KINDS for each in balanced.outcomes(kind)])


def _worst(outcomes: list[_Outcome]) -> Row:
    failed = [each for each in outcomes if not each.holds]
    worst = max(failed or outcomes, key=lambda each: (each.unanswered, each.rise))
    text = f"worst: {worst.kind.name}, {worst}"
    return _row(THROUGH_LOAD_BALANCER, f"{len(failed)} of {len(outcomes)} fail; {text}", outcomes)


def _row(promise: Promise, measured: str, outcomes: list[_Outcome]) -> Row:
    has_unanswered = any(each.unanswered for each in outcomes)
    return promise.row(measured, holds=all(each.holds for each in outcomes), only_slower=not has_unanswered)


class _Bench:
    """Compares an innocent client's requests through one door with undisturbed ones."""

    def __init__(self, lab: Lab, target: Target, door: Door) -> None:
        self._counts = (64,) if lab.short else (8, 64, 500)
        self._seconds = 0.7 if lab.short else 1.2
        self._target, self._door = target, door
        self._innocent()
        self._undisturbed = self._innocent()

    def outcomes(self, kind: Kind) -> list[_Outcome]:
        """Return what happens beside connections of a kind, for each number of them."""
        return [self._outcome(kind, count) for count in self._counts]

    def _outcome(self, kind: Kind, count: int) -> _Outcome:
        outcome = self._beside(kind, count)
        if not outcome.holds and not outcome.unanswered:  # what else the machine does delays requests, but loses none
            self._undisturbed = self._innocent()
            outcome = min(outcome, self._beside(kind, count), key=lambda each: each.rise)
        if not self._target.answers():
            raise RuntimeError(f"the service does not recover from {count} connections ({kind.name})")
        return outcome

    def _beside(self, kind: Kind, count: int) -> _Outcome:
        with _held(kind, count, self._door):
            time.sleep(_SETTLES + count * kind.work)
            disturbed = self._innocent()
        return _Outcome(kind, count, disturbed.p99 - self._undisturbed.p99, unanswered(disturbed))

    def _innocent(self) -> Load:
        return innocent(self._door.port, self._seconds, host=self._door.host)


@contextmanager
def _held(kind: Kind, count: int, door: Door) -> Iterator[None]:
    with ExitStack() as stack:
        opening = kind.opening.format(host=door.host).encode()
        connections = [connection for _ in range(count) if (connection := _open(stack, door.port, opening, kind))]
        is_over = threading.Event()
        stack.callback(is_over.set)
        if kind.drip:
            threading.Thread(target=_drip, args=(connections, kind.drip, is_over), daemon=True).start()
        yield


def _open(stack: ExitStack, port: int, opening: bytes, kind: Kind) -> socket.socket | None:
    connection = stack.enter_context(socket.socket())
    if not kind.reads:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
    connection.settimeout(1.0)
    with suppress(OSError):
        connection.connect((raw_http.LOOPBACK, port))
        connection.sendall(opening)
        return connection
    return None


def _drip(connections: list[socket.socket], drip: bytes, is_over: threading.Event) -> None:
    while not is_over.wait(_DRIP_INTERVAL):
        for connection in connections:
            with suppress(OSError):
                connection.sendall(drip)
