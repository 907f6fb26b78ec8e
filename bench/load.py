"""Put load on a service on 127.0.0.1: so many kept connections, each sending its next request when it has its answer.

`python -m bench.load PORT PATH... --connections 4 --seconds 5` prints the result as one line of JSON, so that the work
is done in a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Thread

_SILENCE = 15.0
_PATIENCE = 30.0
_AFTER_AN_ERROR = 0.05
_FAILED = "0"


@dataclass(frozen=True)
class Load:
    """What came of it. Times in milliseconds; a status of 0 stands for a connection that failed."""

    requests: int
    statuses: dict[str, int]
    paths: dict[str, int]
    """How many requests of each path were answered."""
    p50: float
    p99: float
    longest: float
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def apart(port: int, paths: Sequence[str], *, connections: int, seconds: float) -> Load:
    """Put the load from a process of its own."""
    options = ["--connections", str(connections), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "bench.load", str(port), *paths, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _PATIENCE, check=True)  # noqa: S603 - our own module
    return Load(**json.loads(done.stdout))


def run(port: int, paths: Sequence[str], *, connections: int, seconds: float) -> Load:
    """Put the load; each request is new to the service, as the load balancer's header says."""
    begun = time.perf_counter()
    clients = [_Client(port, paths, number, begun + seconds) for number in range(connections)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.perf_counter() - begun
    times = sorted(each for client in clients for each in client.times)
    statuses = sum((client.statuses for client in clients), Counter[str]())
    answered = sum((client.answered for client in clients), Counter[str]())
    return Load(
        requests=len(times),
        statuses=dict(sorted(statuses.items())),
        paths=dict(sorted(answered.items())),
        p50=_at(times, 0.5),
        p99=_at(times, 0.99),
        longest=_at(times, 1.0),
        seconds=took,
    )


def _at(times: list[float], share: float) -> float:
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 3) if times else 0.0


class _Client(Thread):
    """One connection."""

    def __init__(self, port: int, paths: Sequence[str], number: int, until: float) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._address = ("127.0.0.1", port)
        self._paths = paths
        self._number = number
        self._until = until
        self._connection: socket.socket | None = None

    def run(self) -> None:
        turn = self._number
        while (begun := time.perf_counter()) < self._until:
            path = self._paths[turn % len(self._paths)]
            status = self._ask(path)
            self.times.append(time.perf_counter() - begun)
            self.statuses[status] += 1
            self.answered[path] += status != _FAILED
            turn += 1
        self._close()

    def _ask(self, path: str) -> str:
        root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
        try:
            return self._exchange(f"GET {path} HTTP/1.1\r\nHost: bench\r\nX-Amzn-Trace-Id: Root={root}\r\n\r\n")

        except OSError:
            self._close()
            time.sleep(_AFTER_AN_ERROR)
            return _FAILED

    def _exchange(self, request: str) -> str:
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=_SILENCE)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(request.encode())
        answer = self._receive(b"")
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer = self._receive(answer)
        head = answer[:end].lower()
        _, _, rest = head.partition(b"content-length:")
        length = end + 4 + int(rest.split(b"\r\n", 1)[0])
        while len(answer) < length:
            answer = self._receive(answer)
        if b"connection: close" in head:
            self._close()
        return answer[9:12].decode()

    def _receive(self, so_far: bytes) -> bytes:
        assert self._connection is not None  # noqa: S101 - made by the caller
        more = self._connection.recv(65_536)
        if not more:
            raise ConnectionResetError("the service closed the connection")
        return so_far + more

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> None:
    """Put the load that the command line asks for, and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    asked = parser.parse_args()
    result = run(asked.port, asked.paths, connections=asked.connections, seconds=asked.seconds)
    sys.stdout.write(json.dumps(dataclasses.asdict(result)) + "\n")


if __name__ == "__main__":
    main()
