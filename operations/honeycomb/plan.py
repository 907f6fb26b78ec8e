"""Plan the steps from the remote state to the declarations, and apply them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from operations.errors import OperatorError
from operations.honeycomb.board import board_step
from operations.honeycomb.queries import query_steps
from operations.honeycomb.steps import Run, Step
from operations.honeycomb.triggers import trigger_step

_UNDECLARED = "no longer declared; delete it in Honeycomb if nobody needs it"


def plan(run: Run) -> Iterator[Step]:
    """Yield the steps in the order in which they must be applied."""
    queries, triggers = run.declared.queries, run.declared.triggers
    for query in queries.values():
        yield from query_steps(query, run)
    for key, trigger in triggers.items():
        yield trigger_step(key, trigger, run)
    yield board_step(run.declared.board, run)
    for key in sorted({each.tag.key for each in run.remote.annotations} - set(queries)):
        yield Step("leave", "query", key, _UNDECLARED)
    declared = {(queries[each["query"]].dataset, key) for key, each in triggers.items()}
    for dataset, key in sorted(set(run.remote.triggers) - declared):
        yield Step("leave", "trigger", f"{key} of {dataset}", _UNDECLARED)


def apply(steps: Iterable[Step]) -> int:
    """Carry out the steps and return how many wrote something. Raises `OperatorError`; earlier writes stay."""
    writes = 0
    for step in steps:
        if step.write is None:
            continue
        try:
            step.write()
        except OperatorError as error:
            raise OperatorError(f"{step.kind.capitalize()} {step.key}: {error.problem}", error.remedy) from error
        writes += 1
    return writes
