"""Poll the health check of every target: often while a page is open, rarely otherwise, for a page opened later."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field
from typing import Final

import requests

from local.console.sinks.detail import UnreadableError, fetch
from local.console.sinks.history import History
from local.console.sinks.targets import TargetReader, Targets
from local.console.stack.source import StackSource
from local.workspace.http_client import direct_client

logger = logging.getLogger(__name__)

WATCHED_SECONDS: Final = 2.0
BACKGROUND_SECONDS: Final = 15.0
PAGE_SECONDS: Final = 8.0
"""A page that has not asked for so long is closed."""
TARGET_SECONDS: Final = 10.0
"""How long the list of targets is used, unless one of them cannot be read."""


@dataclass(slots=True)
class Sampler:
    """A thread that fills `history` from the targets of `source`."""

    source: StackSource
    history: History = field(default_factory=History)
    targets: Targets = field(default_factory=Targets)
    leaves_traces: bool = False
    """Whether the detail is not at the deployed health check's path, which a sampling rule keeps out of the traces."""
    _asked_at: float = float("-inf")
    _targets_at: float = float("-inf")
    _wake: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        """Start the thread, unless it runs; it ends with the process."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="sinks", daemon=True)
                self._thread.start()

    def watch(self) -> None:
        """Note that the page asks."""
        was_watched, self._asked_at = self.is_watched, time.monotonic()
        if not was_watched:
            self._wake.set()

    @property
    def is_watched(self) -> bool:
        """Whether a page is open."""
        return time.monotonic() - self._asked_at < PAGE_SECONDS

    @property
    def interval(self) -> float:
        """Seconds between two readings."""
        return WATCHED_SECONDS if self.is_watched and not self.leaves_traces else BACKGROUND_SECONDS

    def _run(self) -> None:
        reader = TargetReader(self.source)
        with direct_client() as client:
            while True:
                start = time.monotonic()
                try:
                    self._read(reader, client, start)
                except Exception:  # what is wrong with one reading costs no other
                    logger.exception("the sinks could not be read")
                self._wake.wait(max(0.0, start + self.interval - time.monotonic()))
                self._wake.clear()

    def _read(self, reader: TargetReader, client: requests.Session, start: float) -> None:
        if start - self._targets_at >= TARGET_SECONDS:
            self.targets, self._targets_at = reader.read(), start
        for address in self.targets.addresses:
            try:
                detail = fetch(client, address, self.targets.paths)
            except UnreadableError as error:
                self.history.fail(address, str(error), time.time())
                self._targets_at = float("-inf")
            else:
                self.leaves_traces = detail["path"] != self.targets.paths[0]
                self.history.add(address, detail, time.time())
