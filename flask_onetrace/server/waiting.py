"""Track the connections that wait for their clients: phases, deadlines, and the memory that they use in total."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Final

from flask_onetrace.server.connection import BUFFERING_PHASES, Connection, Phase
from flask_onetrace.server.temporary_file import Storage

_FIXED_DEADLINE: Final = (Phase.IDLE, Phase.HEAD)
"""The phases in which progress of the client does not extend its deadline, so that deadlines are in order."""


class WaitingConnections:
    """The waiting connections by phase, in the order in which they entered it: the first has waited longest."""

    def __init__(self, max_bytes: int, storage: Storage) -> None:
        self._max_bytes = max_bytes
        self._storage = storage
        self._phases: dict[Phase, dict[Connection, int]] = {phase: {} for phase in Phase}
        self._bytes = 0
        self.served: dict[Connection, int] = {}
        """The bytes in memory of each request that a thread serves, or that is queued for one: it cannot be evicted."""

    def add(self, connection: Connection, phase: Phase, seconds: float) -> None:
        """Move a connection into `phase`, with a deadline in `seconds`."""
        if connection.phase is not None:
            self.remove(connection)
        connection.phase = phase
        connection.since = time.monotonic()
        connection.deadline = connection.since + seconds
        self._phases[phase][connection] = 0

    def remove(self, connection: Connection) -> None:
        """Remove a connection, if it waits."""
        phase = connection.phase
        if phase is not None:
            self._bytes -= self._phases[phase].pop(connection)
            connection.phase = None

    def count_bytes(self, connection: Connection) -> bool:
        """Update the bytes that a connection has in memory, if it waits; return whether the total exceeds the limit."""
        phase = connection.phase
        if phase is not None:
            size = connection.sock.unsent_in_memory if phase is Phase.FLUSH else connection.received
            counts = self._phases[phase]
            self._bytes += size - counts[connection]
            counts[connection] = size
        self._storage.is_memory_scarce = self._bytes > self._max_bytes // 2
        return self._bytes > self._max_bytes

    def begin_serving(self, connection: Connection) -> bool:
        """Count the bytes of a complete request until `end_serving`; return False if they would exceed the limit."""
        size = connection.received
        if self._bytes + size > self._max_bytes:
            return False
        self.served[connection] = size
        self._bytes += size
        return True

    def end_serving(self, connection: Connection) -> None:
        """Stop counting the request of `connection`, if it was served."""
        self._bytes -= self.served.pop(connection, 0)

    def shorten(self, phase: Phase, deadline: float) -> None:
        """Lower the deadlines of the connections in `phase` to `deadline`, in seconds of `time.monotonic`."""
        for connection in self._phases[phase]:
            connection.deadline = min(connection.deadline, deadline)

    def expired(self, now: float) -> Iterator[Connection]:
        """Yield the connections whose deadline has passed; the caller removes each, or adds it again."""
        for phase, connections in self._phases.items():
            for connection in list(connections):
                if connection.deadline <= now:
                    yield connection
                elif phase in _FIXED_DEADLINE:
                    break

    def oldest(self, holds: Callable[[Connection], bool] | None = None) -> Connection | None:
        """Return the connection to evict: a lingering one, else the one that has waited longest; None without any.

        With `holds`, only connections of `BUFFERING_PHASES` for which it is true are considered.
        """
        phases = Phase if holds is None else BUFFERING_PHASES
        first = {phase: next(filter(holds or _any, self._phases[phase]), None) for phase in phases}
        waiting = [each for each in first.values() if each is not None]
        return first.get(Phase.LINGER) or min(waiting, key=lambda each: each.since, default=None)


def _any(_: Connection) -> bool:
    return True
