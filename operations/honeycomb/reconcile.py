"""Reconcile Honeycomb with the declarations."""

from __future__ import annotations

from operations.honeycomb.board import apply_board
from operations.honeycomb.declarations import Declarations
from operations.honeycomb.ownership_tag import OwnershipTag
from operations.honeycomb.queries import apply_query
from operations.honeycomb.remote_state import RemoteState
from operations.honeycomb.triggers import apply_trigger
from operations.honeycomb.writer import Writer

_UNDECLARED = "no longer declared; delete it in Honeycomb if nobody needs it"


def reconcile(declared: Declarations, remote: RemoteState, writer: Writer) -> None:
    """Apply queries, triggers and board, in this order. Raises `OperatorError`; earlier writes stay."""
    for query in declared.queries.values():
        apply_query(query, remote, writer)
    triggers = {(declared.queries[each["query"]].dataset, key): each for key, each in declared.triggers.items()}
    for (dataset, key), trigger in triggers.items():
        existing = remote.triggers.get((dataset, key), {})
        apply_trigger(OwnershipTag(declared.application, key), trigger, dataset, existing, writer)
    apply_board(declared.application, declared.board, remote, writer)
    for key in sorted({each.tag.key for each in remote.annotations} - set(declared.queries)):
        writer.step("leave", "query", key, _UNDECLARED)
    for dataset, key in sorted(set(remote.triggers) - set(triggers)):
        writer.step("leave", "trigger", f"{key} of {dataset}", _UNDECLARED)
