"""Read a deployment for the console, which stores an index of the requests and what was imported, in memory."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final, Protocol

from local.workspace.session import Session
from operations.errors import OperatorError
from operations.traces.attributes import MAX_ATTRIBUTES, Attribute, UnknownTerm, unknown_terms
from operations.traces.deployment import Deployment
from operations.traces.document import Place, Request, Trace
from operations.traces.entries import Collected, text_of
from operations.traces.filters import Entry, parse_filter
from operations.traces.find import find_trace
from operations.traces.imports import ImportedTraces, imported
from operations.traces.index import RequestIndex
from operations.traces.trace_ids import parse_trace_id

logger = logging.getLogger(__name__)

IDLE_SECONDS: Final = 5.0
"""Between refreshes of the index while no page asks for it: one that is opened shows what is newest at once."""
MIN_SECONDS: Final = 0.5
"""Between refreshes for pages, however many are open."""
MAX_IMPORTED: Final = 100
"""Of the imported traces, in the list."""
FIRST_SECONDS: Final = 20.0
"""The longest that a page waits for the first refresh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Some of the requests that match a filter, in its order; `more` tells whether others follow.

    `total` counts all that match, `left_out` the health checks and static files that would.
    """

    requests: Sequence[Request]
    more: bool
    total: int
    left_out: int
    unknown: Sequence[UnknownTerm]
    """The filter's terms that cannot match, where nothing does."""
    imported: Sequence[Request]
    errors: Sequence[OperatorError]
    """Of the places that could not be read, and of the last refresh itself."""


class Running(Protocol):
    """What is up now: `make up` may have replaced it since the last call. Each method raises `OperatorError`."""

    def deployment(self) -> Deployment:
        """Return the deployment, the same one until another replaces it."""
        ...

    def session(self) -> Session:
        """Return what `make up` has recorded."""
        ...


@dataclass(frozen=True, slots=True)
class _Index:
    deployment: Deployment
    requests: RequestIndex
    refreshed: Event = field(default_factory=Event)


class Source:
    """What the console reads."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._imported = ImportedTraces()
        self._entries: dict[str, Entry] = {}
        self._lock = Lock()
        self._index: _Index | None = None
        self._failure: OperatorError | None = None
        self._asked, self._closed = Event(), Event()
        self._thread = Thread(target=self._refresh, name="console-index", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop to refresh the index."""
        self._closed.set()
        self._asked.set()
        self._thread.join(timeout=FIRST_SECONDS)

    def deployment(self) -> Deployment:
        """Return the deployment. Raises `OperatorError` where none is up."""
        return self._running.deployment()

    def session(self) -> Session:
        """Return what `make up` has recorded. Raises `OperatorError` where it cannot be read."""
        return self._running.session()

    def describe(self) -> Mapping[str, str]:
        """Return what the page's header names: the application and its URL."""
        deployment = self.deployment()
        names = deployment.names
        return {
            "name": names.application.name,
            "environment": names.environment,
            "region": deployment.region,
            "url": deployment.url,
        }

    def requests(self, terms: str, limit: int, before: str | None) -> Listing:
        """Return up to `limit` requests that match the filter, in its order: those after the trace id `before`.

        The imported ones that match are separate, newest first. Raises `OperatorError` for a filter that
        cannot be read, and where no deployment is up.
        """
        parsed = parse_filter(terms)
        self._asked.set()
        index = self._index_of(self.deployment())
        index.refreshed.wait(FIRST_SECONDS)
        found, now = index.requests.find(parsed), time.time()
        requests = found.after(before, limit + 1)
        matching = [each.request for each in self._entries.values() if parsed.matches(each, now)]
        return Listing(
            requests=requests[:limit],
            more=len(requests) > limit,
            total=len(found.requests),
            left_out=found.left_out,
            unknown=[] if found.requests or found.left_out else unknown_terms(parsed, index.requests.attributes()),
            imported=sorted(matching, key=lambda each: each.started, reverse=True),
            errors=[*index.requests.errors.values(), *([self._failure] if self._failure else [])],
        )

    def attributes(self) -> Sequence[Attribute]:
        """Return the attributes of the requests, the most frequent first. Raises `OperatorError` where none is up."""
        return self._index_of(self.deployment()).requests.attributes()[:MAX_ATTRIBUTES]

    def trace(self, trace_id: str) -> Trace:
        """Return one trace in all four places, or as it was imported. Raises `OperatorError` for another text."""
        was_imported = self._imported.get(parse_trace_id(trace_id))
        try:
            trace = find_trace(self.deployment(), trace_id)
        except OperatorError:
            if was_imported is None:
                raise
            return was_imported
        return trace if was_imported is None or any(each.items for each in trace.places.values()) else was_imported

    def add(self, text: bytes, name: str) -> Sequence[str]:
        """Keep the traces of a file, for as long as the console runs; return their ids. Raises `OperatorError`."""
        traces = imported(text, name)
        ids = self._imported.add(traces)
        entries = {**self._entries, **{each.trace_id: _entry_of(each) for each in traces}}
        listed = {each.trace_id for each in self._imported.newest(MAX_IMPORTED)}
        # Replaced, as another thread may read it.
        self._entries = {trace_id: entry for trace_id, entry in entries.items() if trace_id in listed}
        return ids

    def remove_imported(self) -> None:
        """Forget what was imported."""
        self._imported.clear()
        self._entries = {}

    def _index_of(self, deployment: Deployment) -> _Index:
        with self._lock:
            if self._index is None or self._index.deployment is not deployment:
                self._index = _Index(deployment, RequestIndex(deployment))
            return self._index

    def _refresh(self) -> None:
        while not self._closed.is_set():
            self._asked.clear()
            try:
                self._refresh_index(self._index_of(self.deployment()))
                self._failure = None
            except OperatorError:
                pass  # the page's own requests say so
            except Exception as error:  # the thread survives, and the list says that it is out of date
                logger.exception("the list of requests could not be refreshed")
                self._failure = OperatorError(
                    f"The list is out of date: {type(error).__name__} while it was refreshed",
                    "See console.log in the state folder's logs, and run make up again",
                )
            self._closed.wait(MIN_SECONDS)
            self._asked.wait(IDLE_SECONDS)

    def _refresh_index(self, index: _Index) -> None:
        try:
            index.requests.refresh()
        finally:
            index.refreshed.set()


def _entry_of(trace: Trace) -> Entry:
    collected = Collected(trace.trace_id)
    for span in trace.places[Place.HONEYCOMB].items:
        collected.add_span(span)
    entry = collected.entry()
    request = trace.request or entry.request
    return Entry(request, entry.attributes, text_of(request, collected.texts))
