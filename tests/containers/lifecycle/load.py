"""Send requests to a deployment all the time, and note each response."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

import requests

from local.workspace.http_client import direct_client

CLIENTS: Final = 4
PAUSE_SECONDS: Final = 0.25
"""Of each client. Together they send fewer requests than the latency alarm needs to look at a shortened minute."""
TIMEOUT_SECONDS: Final = 30.0
STATED_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Response:
    """`status` is 0 where there was none: then `body` says why. `at` is by the monotonic clock, in seconds."""

    at: float
    status: int
    body: str
    seconds: float


@dataclass
class Load:
    """Several clients that request one URL until the block ends."""

    url: str
    responses: list[Response] = field(default_factory=list)
    failures_expected: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start the clients."""
        self._threads = [threading.Thread(target=self._request, args=(each,)) for each in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for the last responses."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[Response]:
        return [each for each in self.responses if each.status != 200]

    @property
    def summary(self) -> str:
        slowest = max((each.seconds for each in self.responses), default=0.0)
        return f"{len(self.responses)} requests, {len(self.failures)} not 200, slowest {slowest:.2f} s"

    def versions(self, since: float = 0.0) -> Counter[str]:
        """Return how many requests each version has answered, by what it says."""
        return Counter(each.body for each in self.responses if each.at >= since and each.status == 200)

    def wait_for(self, body: str) -> None:
        """Wait until a version answers."""
        end = time.monotonic() + STATED_SECONDS
        while not any(each.body == body for each in self.responses[-CLIENTS:]):
            assert time.monotonic() < end, self.versions()
            time.sleep(0.05)

    def _request(self, client: int) -> None:
        self._stop.wait(client * PAUSE_SECONDS / CLIENTS)
        with direct_client() as session:
            while not self._stop.is_set():
                start = time.monotonic()
                try:
                    reply = session.get(self.url, timeout=TIMEOUT_SECONDS)
                    status, body = reply.status_code, reply.text
                except requests.RequestException as error:
                    status, body = 0, repr(error)
                end = time.monotonic()
                self.responses.append(Response(end, status, body[:200], end - start))
                self._stop.wait(max(0.0, start + PAUSE_SECONDS - end))
