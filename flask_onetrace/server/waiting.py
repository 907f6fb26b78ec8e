"""Hold the connections that wait for their clients: by phase, in the order of their deadlines, and within a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from flask_onetrace.server.connection import Connection, Phase
from flask_onetrace.server.temporary_file import Storage

_HOLDING_BYTES: Final = (Phase.HEAD, Phase.BODY, Phase.FLUSH)
_EQUALLY_LONG: Final = (Phase.IDLE, Phase.HEAD)
"""Where a deadline does not move as the client goes on."""


class Waiting:
    """The waiting connections. All of a phase wait equally long at first, so the first of each has waited longest."""

    def __init__(self, max_bytes: int, storage: Storage) -> None:
        self._max_bytes = max_bytes
        self._storage = storage
        self._phases: dict[Phase, dict[Connection, int]] = {phase: {} for phase in Phase}
        self._bytes = 0
        self.served: dict[Connection, int] = {}
        """The bytes of requests that threads serve, or are about to: nobody can evict those."""

    def add(self, connection: Connection, phase: Phase, seconds: float) -> None:
        """Have a connection wait in `phase`, for so long; it leaves the phase it was in."""
        if connection.phase is not None:
            self.remove(connection)
        connection.phase = phase
        connection.since = time.monotonic()
        connection.deadline = connection.since + seconds
        self._phases[phase][connection] = 0

    def remove(self, connection: Connection) -> None:
        """Forget a connection, if it waits."""
        phase = connection.phase
        if phase is not None:
            self._bytes -= self._phases[phase].pop(connection)
            connection.phase = None

    def count_bytes(self, connection: Connection) -> bool:
        """Count what a connection holds in memory, if it still waits; return whether all together hold too much."""
        phase = connection.phase
        if phase is not None:
            held = connection.sock.unsent_in_memory if phase is Phase.FLUSH else connection.received
            counts = self._phases[phase]
            self._bytes += held - counts[connection]
            counts[connection] = held
        self._storage.is_memory_scarce = self._bytes > self._max_bytes // 2
        return self._bytes > self._max_bytes

    def begin_serving(self, connection: Connection) -> bool:
        """Count the bytes of a complete request until `end_serving`; return False if they are too much."""
        size = connection.received
        if self._bytes + size > self._max_bytes:
            return False
        self.served[connection] = size
        self._bytes += size
        return True

    def end_serving(self, connection: Connection) -> None:
        """Count the request of `connection` no longer, if it was served."""
        self._bytes -= self.served.pop(connection, 0)

    def shorten(self, phase: Phase, deadline: float) -> None:
        """Have the connections in `phase` wait until `deadline` at the latest."""
        for connection in self._phases[phase]:
            connection.deadline = min(connection.deadline, deadline)

    def expired(self, now: float) -> Iterator[Connection]:
        """Yield those whose deadline has passed; each must be removed, or wait anew."""
        for phase, connections in self._phases.items():
            for connection in list(connections):
                if connection.deadline <= now:
                    yield connection
                elif phase in _EQUALLY_LONG:
                    break

    def oldest(self, holds: Callable[[Connection], bool] | None = None) -> Connection | None:
        """Return the connection to evict: one that only lingers, else the one that has waited longest.

        With `holds`, it is the one among those with a request or a response for which that is true.
        """
        phases = Phase if holds is None else _HOLDING_BYTES
        first = {phase: next(filter(holds or _any, self._phases[phase]), None) for phase in phases}
        waiting = [each for each in first.values() if each is not None]
        return first.get(Phase.LINGER) or min(waiting, key=lambda each: each.since, default=None)


def _any(_: Connection) -> bool:
    return True
