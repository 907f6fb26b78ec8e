"""The saved queries, and the result of one."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any, Final

from local.console.stack.source import StackSource, readable
from local.queries.deployment import saved_queries
from local.queries.saved_query import TRACE_ID_PLACEHOLDER, SavedQuery, failed_trace
from operations.errors import OperatorError
from operations.traces.document import Json

MAX_ROWS: Final = 500
MAX_CELL: Final = 2_000
"""Characters."""
TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")


def query_list(source: StackSource) -> Json:
    """Return the queries in the order of `make ask`."""
    with readable(source, "The emulated AWS"):
        queries = _queries(source)
    return {
        "queries": [
            {
                "key": each.key,
                "product": each.product,
                "name": each.name,
                "text": each.text,
                "is_about_trace": each.is_about_trace,
            }
            for each in queries
        ]
    }


def run_query(source: StackSource, key: object, trace_id: object) -> Json:
    """Run the query of that key, and return its rows as a table.

    One about a trace takes `trace_id`; without one, that of the newest failed request. Raises `OperatorError`.
    """
    with readable(source, "The emulated AWS"):
        queries = _queries(source)
        query = next((each for each in queries if each.key == key), None)
        if query is None:
            raise OperatorError("There is no such saved query", f"Run one of {', '.join(each.key for each in queries)}")
        about = _trace_of(trace_id, query, queries)
        start = time.perf_counter()
        rows = query.run(about)
        seconds = time.perf_counter() - start
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    return {
        "key": query.key,
        "trace_id": about if query.is_about_trace else None,
        "milliseconds": round(seconds * 1000, 1),
        "count": len(rows),
        "columns": columns,
        "rows": [[_cell(row.get(name)) for name in columns] for row in rows[:MAX_ROWS]],
    }


def _queries(source: StackSource) -> Sequence[SavedQuery]:
    deployment = source.deployment()
    return saved_queries(deployment.aws, source.session().state, deployment.names)


def _trace_of(trace_id: object, query: SavedQuery, queries: Sequence[SavedQuery]) -> str:
    if not query.is_about_trace:
        return TRACE_ID_PLACEHOLDER
    if not trace_id:
        return _newest_failed_trace(queries)
    if not isinstance(trace_id, str) or not TRACE_ID.fullmatch(trace_id):
        raise OperatorError(f"{str(trace_id)[:80]!r} is no trace id", "Use 32 hexadecimal digits")
    return trace_id


def _newest_failed_trace(queries: Sequence[SavedQuery]) -> str:
    for query in queries:
        reads_lines = query.product == "CloudWatch" and not query.is_about_trace
        if reads_lines and (trace_id := failed_trace(query.run(TRACE_ID_PLACEHOLDER))):
            return trace_id
    raise OperatorError("No request has failed yet", "Give the id of a trace")


def _cell(value: Any) -> str | float | None:  # noqa: ANN401 - whatever a product returns
    """Return the value as JSON that a page can show: texts are cut, and nested values are texts."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    text = str(value)
    return text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…"
