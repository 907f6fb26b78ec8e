"""Say what is to be done, before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from operations.honeycomb.client import Honeycomb


class Verb(StrEnum):
    """What becomes of one thing."""

    CREATE = "create"
    CHANGE = "change"
    RETIRE = "retire"
    LEAVE = "leave"
    WAIT = "wait"


class Pair(NamedTuple):
    """A query and the annotation that names it, by their ids."""

    query_id: str
    annotation_id: str


TO_BE_MADE = Pair("", "")
"""Stands for a query until it is made: nothing on the server refers to it."""

Pairs = dict[str, Pair]
"""By the queries' keys; without those that have to wait."""

Write = Callable[[Honeycomb, Pairs], None]


@dataclass(frozen=True)
class Step:
    """One line of the plan, and what carries it out; nothing where nothing is to be done."""

    verb: Verb
    kind: str
    key: str
    why: str = ""
    write: Write | None = None

    def __str__(self) -> str:
        line = f"{self.verb:<6}  {self.kind:<7}  {self.key}"
        return f"{line}: {self.why}" if self.why else line
