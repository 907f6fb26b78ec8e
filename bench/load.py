"""Generate load on a service on 127.0.0.1: each of its connections sends a request when the last one got its response.

`python -m bench.load PORT PATH... --connections 4 --seconds 5` prints the result as one line of JSON, so that a process
of its own does the work.
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

SOCKET_TIMEOUT = 15.0
_EXTRA_TIME = 30.0
_PAUSE_AFTER_ERROR = 0.05
_FAILED = "0"


@dataclass(frozen=True)
class Load:
    """The result. Times are in milliseconds; status 0 is a failed connection."""

    requests: int
    statuses: dict[str, int]
    paths: dict[str, int]
    """The number of responses, by path."""
    p50: float
    p99: float
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


@dataclass(frozen=True, kw_only=True)
class Client:
    """How each connection behaves: it gives a response up after `timeout` seconds, and pauses between requests."""

    host: str = "bench"
    timeout: float = SOCKET_TIMEOUT
    pause: float = 0.0


DEFAULT_CLIENT = Client()


def run_in_process(
    port: int, paths: Sequence[str], *, connections: int, seconds: float, client: Client = DEFAULT_CLIENT
) -> Load:
    """Generate the load in a process of its own."""
    options = ["--connections", str(connections), "--seconds", str(seconds)]
    options += ["--host", client.host, "--timeout", str(client.timeout), "--pause", str(client.pause)]
    command = [sys.executable, "-m", "bench.load", str(port), *paths, *options]
    process = subprocess.run(command, capture_output=True, text=True, timeout=seconds + _EXTRA_TIME, check=True)  # noqa: S603 - our own module
    return Load(**json.loads(process.stdout))


def run(port: int, paths: Sequence[str], *, connections: int, seconds: float, client: Client = DEFAULT_CLIENT) -> Load:
    """Generate the load; each request has a trace id of its own, in the load balancer's header."""
    start = time.perf_counter()
    threads = [_Connection(port, paths, number, start + seconds, client) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration = time.perf_counter() - start
    times = sorted(seconds for thread in threads for seconds in thread.times)
    statuses = sum((thread.statuses for thread in threads), Counter[str]())
    responses = sum((thread.responses for thread in threads), Counter[str]())
    return Load(
        requests=len(times),
        statuses=dict(sorted(statuses.items())),
        paths=dict(sorted(responses.items())),
        p50=_quantile(times, 0.5),
        p99=_quantile(times, 0.99),
        seconds=duration,
    )


def _quantile(times: list[float], share: float) -> float:
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 3) if times else 0.0


class _Connection(Thread):
    """A thread with one connection."""

    def __init__(self, port: int, paths: Sequence[str], number: int, until: float, client: Client) -> None:
        super().__init__(daemon=True)
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.responses: Counter[str] = Counter()
        self._address = ("127.0.0.1", port)
        self._paths = paths
        self._number = number
        self._until = until
        self._client = client
        self._connection: socket.socket | None = None

    def run(self) -> None:
        number = self._number
        while (start := time.perf_counter()) < self._until:
            path = self._paths[number % len(self._paths)]
            status = self._request(path)
            self.times.append(time.perf_counter() - start)
            self.statuses[status] += 1
            self.responses[path] += status != _FAILED
            number += 1
            if self._client.pause:
                time.sleep(self._client.pause)
        self._close()

    def _request(self, path: str) -> str:
        root = f"1-{int(time.time()):08x}-{random.getrandbits(96):024x}"
        try:
            host = self._client.host
            return self._exchange(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Amzn-Trace-Id: Root={root}\r\n\r\n")
        except OSError:
            self._close()
            time.sleep(_PAUSE_AFTER_ERROR)
            return _FAILED

    def _exchange(self, request: str) -> str:
        if self._connection is None:
            self._connection = socket.create_connection(self._address, timeout=self._client.timeout)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(request.encode())
        response = self._receive(b"")
        while (end := response.find(b"\r\n\r\n")) < 0:
            response = self._receive(response)
        head = response[:end].lower()
        _, _, rest = head.partition(b"content-length:")
        length = end + 4 + int(rest.split(b"\r\n", 1)[0])
        while len(response) < length:
            response = self._receive(response)
        if b"connection: close" in head:
            self._close()
        return response[9:12].decode()

    def _receive(self, prefix: bytes) -> bytes:
        assert self._connection is not None  # noqa: S101 - connected by the caller
        data = self._connection.recv(65_536)
        if not data:
            raise ConnectionResetError("the service closed the connection")
        return prefix + data

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> None:
    """Generate the load of the command line, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--host", default=DEFAULT_CLIENT.host, help="the Host header")
    parser.add_argument("--timeout", type=float, default=SOCKET_TIMEOUT, help="seconds to wait for a response")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between a response and the next request")
    arguments = parser.parse_args()
    client = Client(host=arguments.host, timeout=arguments.timeout, pause=arguments.pause)
    result = run(
        arguments.port, arguments.paths, connections=arguments.connections, seconds=arguments.seconds, client=client
    )
    sys.stdout.write(json.dumps(dataclasses.asdict(result)) + "\n")


if __name__ == "__main__":
    main()
