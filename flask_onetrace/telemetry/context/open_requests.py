"""Keep track of the requests of one app that have not ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, Protocol, TypeVar
from weakref import ref

from flask_onetrace.telemetry.export.fork import on_fork
from flask_onetrace.telemetry.safe_logging import safe_logger

logger = safe_logger(__name__)

S_co = TypeVar("S_co", covariant=True)
_INPUT = "wsgi.input"


class OpenRequest(Protocol[S_co]):
    """A request that has not ended."""

    @property
    def scope(self) -> S_co:
        """Its telemetry."""

    @property
    def environ(self) -> Mapping[str, Any]:
        """Its WSGI environment."""

    @property
    def start_time(self) -> float:
        """When it arrived, in seconds of a monotonic clock."""

    def abandon(self, reason: str | None = None) -> None:
        """Finish it as it is, cut off for `reason`; without one, nobody has closed its response."""


class OpenRequests(Generic[S_co]):
    """The requests that are being served, and those whose response nobody has closed."""

    def __init__(self) -> None:
        self.served: set[ref[OpenRequest[S_co]]] = set()
        """Who serves a request keeps it, and telemetry does not."""
        self.unclosed: deque[OpenRequest[S_co]] = deque()
        """Those whose response was freed, and never closed."""
        self._failed: Callable[[], deque[OpenRequest[S_co]] | None] = lambda: None
        on_fork(self._forget)

    def watch(self, failed: deque[OpenRequest[S_co]]) -> None:
        """Finish those of `failed` too, while that exists: their errors refer to the app, which keeps it."""
        self._failed = ref(failed)

    def _forget(self) -> None:
        """Leave all to the parent process, whose requests they are."""
        for requests in (self.served, self.unclosed, self._failed()):
            if requests is not None:
                requests.clear()

    def finish_unclosed(self) -> None:
        """Finish the requests whose response was freed, and never closed."""
        for requests in (self.unclosed, self._failed()):
            while requests:
                try:
                    request = requests.popleft()
                except IndexError:  # another thread has taken it
                    break
                _abandon(request)

    def abandon(self, reason: str) -> None:
        """Finish them all: those that are being served will not end in time, as `reason` says."""
        self.finish_unclosed()
        for request in self._served():
            _abandon(request, reason)

    def scope_of(self, environ: Mapping[str, Any]) -> S_co | None:
        """Return the scope of the latest request that has this WSGI environment, or one that was copied to this one."""
        requests, body = self._served(), environ.get(_INPUT)
        found = [request for request in requests if request.environ is environ] or [
            request for request in requests if body is not None and request.environ.get(_INPUT) is body
        ]
        return max(found, key=lambda request: request.start_time).scope if found else None

    def _served(self) -> list[OpenRequest[S_co]]:
        requests = [reference() for reference in tuple(self.served)]
        return [request for request in requests if request is not None]


def _abandon(request: OpenRequest[object], reason: str | None = None) -> None:
    try:
        request.abandon(reason)
    except Exception:  # its own thread may be changing what it reads
        logger.exception("an unfinished request was not recorded")
