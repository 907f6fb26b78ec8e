"""List the attacks, in the order of the table."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from bench.attacks import (
    blocked_stderr,
    control_characters,
    crowding_out,
    handler_exits,
    held_connections,
    hostile_headers,
    leaks,
    local_machine,
    malformed_requests,
    memory,
    origins,
    relay_flood,
    relay_forgery,
)
from bench.attacks.lab import Lab
from bench.attacks.promise import Promise, Row

ATTACKS: dict[str, ModuleType] = {
    module.__name__.rpartition(".")[2].replace("_", "-"): module
    for module in (
        held_connections,
        hostile_headers,
        relay_flood,
        relay_forgery,
        memory,
        crowding_out,
        blocked_stderr,
        handler_exits,
        leaks,
        local_machine,
        origins,
        control_characters,
        malformed_requests,
    )
}
"""Modules with `PROMISES`, and `run(lab)`, which yields the row of each."""


def promises(name: str) -> tuple[Promise, ...]:
    """Return what one attack checks."""
    rows: tuple[Promise, ...] = ATTACKS[name].PROMISES
    return rows


def summary(name: str) -> str:
    """Return what one attack does, in a sentence."""
    return (ATTACKS[name].__doc__ or "").strip().splitlines()[0]


def run(name: str, lab: Lab) -> Iterator[Row]:
    """Yield a row for each promise; one that could not be measured does not hold."""
    left = [*promises(name)]
    try:
        for row in ATTACKS[name].run(lab):
            left.remove(row.promise)
            yield row
    except Exception as error:  # noqa: BLE001 - an attack may break anything: the others are still to be run
        reason = " ".join(str(error).split())[-300:]
        yield from (each.row(f"not measured: {type(error).__name__}: {reason}", holds=False) for each in left)
    else:
        yield from (each.row("not measured", holds=False) for each in left)
