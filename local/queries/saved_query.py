"""Describe one saved query, whichever product runs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

TIME_RANGE: Final = timedelta(hours=3)
TRACE_ID_PLACEHOLDER: Final = "0" * 32
"""The trace id in the saved query about one trace."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedQuery:
    """A query over the newest `TIME_RANGE`.

    `key` identifies it in a deployment: `<product>/<name in that product>`. `text` is the query in the product's
    language. `run` takes the trace id that a query about one trace needs, and which all others ignore; it raises
    `BotoCoreError`, `ClientError` or `ReadError` where the product does not respond, or refuses the query.
    """

    key: str
    product: str
    name: str
    text: str
    is_about_trace: bool = False
    run: Callable[[str], Sequence[Row]] = field(repr=False)


def failed_trace(rows: Sequence[Row]) -> str | None:
    """Return the trace id of the first failed request among the rows of a query over log lines."""
    failures = (row["trace_id"] for row in rows if "trace_id" in row and str(row.get("status", "")).startswith("5"))
    return next(failures, None)
