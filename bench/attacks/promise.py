"""A row of the table: what is attacked, what is promised, what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """What holds under an attack. Both texts are the same in every run: docs/security.md has them as its rows."""

    attack: str
    text: str

    def row(self, measured: str, *, holds: bool, only_slower: bool = False) -> Row:
        """Return the row with what was measured; `only_slower` if requests were served, but later than promised."""
        return Row(self, measured, holds, only_slower and not holds)


@dataclass(frozen=True, slots=True)
class Row:
    """A measured promise."""

    promise: Promise
    measured: str
    holds: bool
    only_slower: bool = False
    """Whether it fails by latency alone, which a short run on a busy machine cannot judge."""


def listed(findings: list[str], *, limit: int = 4) -> str:
    """Return up to `limit` findings as text, and how many more there are."""
    more = f", and {len(findings) - limit} more" if len(findings) > limit else ""
    return ", ".join(findings[:limit]) + more
