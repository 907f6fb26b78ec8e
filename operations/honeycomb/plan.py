"""Compare what is declared with what is there."""

from __future__ import annotations

from collections.abc import Iterator

from operations.honeycomb import board, queries, triggers
from operations.honeycomb.client import Honeycomb
from operations.honeycomb.declarations import Declarations
from operations.honeycomb.errors import HoneycombError
from operations.honeycomb.remote_state import Found
from operations.honeycomb.steps import Pairs, Step, Verb

_ABANDONED = "no longer declared; delete it in Honeycomb if nobody needs it"


class Plan:
    """All that is to be done, in the order in which it is."""

    def __init__(self, declared: Declarations, found: Found) -> None:
        self._pairs: Pairs = {}
        self.steps = tuple(self._planned(declared, found))

    @property
    def waits(self) -> bool:
        """Return whether something cannot be made yet."""
        return any(step.verb is Verb.WAIT for step in self.steps)

    def apply(self, honeycomb: Honeycomb) -> int:
        """Do it; returns how many steps wrote something. Raises `HoneycombError`; what was done before stays."""
        done = 0
        for step in self.steps:
            if step.write is None:
                continue
            try:
                step.write(honeycomb, self._pairs)
            except HoneycombError as error:
                raise HoneycombError(f"{step.kind.capitalize()} {step.key}: {error.problem}", error.remedy) from error
            done += 1
        return done

    def _planned(self, declared: Declarations, found: Found) -> Iterator[Step]:
        for query in declared.queries.values():
            yield from queries.steps(query, found, self._pairs)
        for trigger in declared.triggers.values():
            yield triggers.step(trigger, declared.queries[trigger.query].dataset, found, self._pairs)
        yield board.step(declared.board, found, self._pairs)
        yield from _abandoned(declared, found)


def _abandoned(declared: Declarations, found: Found) -> Iterator[Step]:
    for key in sorted({each.marker.key for each in found.annotations} - set(declared.queries)):
        yield Step(Verb.LEAVE, "query", key, _ABANDONED)
    wanted = {(declared.queries[each.query].dataset, each.key) for each in declared.triggers.values()}
    for dataset, key in sorted(set(found.triggers) - wanted):
        yield Step(Verb.LEAVE, "trigger", f"{key} of {dataset}", _ABANDONED)
