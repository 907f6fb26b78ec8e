"""Run every saved query that ships with a deploy against the local deployment, and print the results."""

from __future__ import annotations

from local.application.selection import deployed_application
from local.backing_services.running import running_deployment
from local.commands.table import ResultTable
from local.queries.deployment import saved_queries
from local.queries.saved_query import TRACE_ID_PLACEHOLDER, failed_trace
from local.workspace.session import Session
from operations.traces.trace_ids import parse_trace_id


def ask(session: Session, *, markdown: bool, trace: str | None = None) -> None:
    """Print the result of each query; with the id of a `trace`, in any form, of those about one trace.

    Raises `NotRunningError`, and `OperatorError` for what is no trace id.
    """
    trace_id = TRACE_ID_PLACEHOLDER if trace is None else parse_trace_id(trace, "TRACE")
    aws, _ = running_deployment(session)
    session.selected = deployed_application(session.state.application)
    for query in saved_queries(aws, session.state, session.names):
        if trace is not None and not query.is_about_trace:
            continue
        rows = query.run(trace_id)
        if trace is None:
            trace_id = failed_trace(rows) or trace_id
        title = f"{query.name}: {query.text}" if query.product == "X-Ray" else query.name
        table = ResultTable(query.product, title, rows)
        session.report.line(table.as_markdown() if markdown else table.as_text())
