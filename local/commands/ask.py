"""Run every saved query that ships with a deploy against the local deployment, and print the results."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Final
from urllib.parse import urlsplit

from flask_onetrace.contract import Output
from infra.names import Names
from local.application.selection import deployed_application
from local.backing_services import emulator
from local.backing_services.emulated_aws import EmulatedAws
from local.commands.table import ResultTable
from local.workspace.folders import CHECKOUT
from local.workspace.http_client import direct_client
from local.workspace.ports import LOOPBACK
from local.workspace.session import Session
from local.workspace.state import FakePorts
from operations.errors import OperatorError
from operations.honeycomb.declarations import load

TIME_RANGE: Final = timedelta(hours=3)
HONEYCOMB: Final = CHECKOUT / "honeycomb"
TRACE_ID_PLACEHOLDER: Final = "0" * 32
"""The trace id in the saved query about one trace."""
TIMEOUT_SECONDS: Final = 30.0


def ask(session: Session, *, markdown: bool) -> None:
    """Print the result of each query. Raises `OperatorError` if nothing is running."""
    aws, ports = EmulatedAws.of(session.state), session.state.fake_ports
    if aws is None or ports is None or session.running(emulator.ROLE) is None:
        raise OperatorError("Nothing is running", "Start with make up, then open its page or send it requests")
    session.selected = deployed_application(session.state.application)
    names = session.names
    for tables in (
        _cloudwatch_queries(aws, session.state.outputs[Output.LOG_GROUP], names),
        _xray_groups(aws),
        _honeycomb_board(ports, names),
    ):
        for table in tables:
            session.report.line(table.as_markdown() if markdown else table.as_text())


def _cloudwatch_queries(aws: EmulatedAws, log_group: str, names: Names) -> Iterator[ResultTable]:
    """Run the deployed saved queries; the one about one trace comes last and gets the id of a failed request."""
    trace_id, prefix = TRACE_ID_PLACEHOLDER, f"{names.query_folder}/"
    definitions = aws.logs.describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]
    for definition in sorted(definitions, key=lambda each: TRACE_ID_PLACEHOLDER in each["queryString"]):
        rows = _insights_rows(aws, log_group, definition["queryString"].replace(TRACE_ID_PLACEHOLDER, trace_id))
        failures = [row["trace_id"] for row in rows if "trace_id" in row and row.get("status", "").startswith("5")]
        trace_id = failures[0] if failures else trace_id
        yield ResultTable("CloudWatch", definition["name"].removeprefix(prefix), rows)


def _insights_rows(aws: EmulatedAws, log_group: str, query: str) -> list[dict[str, str]]:
    now = int(time.time())
    query_id = aws.logs.start_query(
        logGroupName=log_group,
        startTime=now - int(TIME_RANGE.total_seconds()),
        endTime=now + 1,
        queryString=query,
    )["queryId"]
    results = aws.logs.get_query_results(queryId=query_id)["results"]
    return [{each["field"]: each["value"] for each in row if each["field"] != "@ptr"} for row in results]


def _xray_groups(aws: EmulatedAws) -> Iterator[ResultTable]:
    """List the traces of each deployed group."""
    now = datetime.now(UTC)
    for group in sorted(aws.xray.get_groups()["Groups"], key=lambda each: each["GroupName"]):
        expression = group.get("FilterExpression", "")
        if not expression:  # the default group, which matches everything
            continue
        pages = aws.xray.get_paginator("get_trace_summaries").paginate(
            StartTime=now - TIME_RANGE, EndTime=now, FilterExpression=expression
        )
        rows = [
            {
                "trace id": each["Id"],
                "path": urlsplit(each.get("Http", {}).get("HttpURL", "")).path,
                "status": each.get("Http", {}).get("HttpStatus"),
                "seconds": each.get("Duration"),
            }
            # Newest first: an id begins with the start time in seconds.
            for each in sorted(pages.search("TraceSummaries[]"), key=itemgetter("Id"), reverse=True)
        ]
        yield ResultTable("X-Ray", f"Group {group['GroupName']}: {expression}", rows)


def _honeycomb_board(ports: FakePorts, names: Names) -> Iterator[ResultTable]:
    """Run the queries of the board, in its order."""
    with direct_client() as client:
        declared = load(HONEYCOMB, names)
        for panel in declared.board["panels"]:
            query = declared.queries[panel["query"]]
            url = f"http://{LOOPBACK}:{ports.honeycomb}/queries/{query.dataset}"
            response = client.post(url, json=query.specification, timeout=TIMEOUT_SECONDS)
            response.raise_for_status()
            name = query.name.removeprefix(f"{names.application.name}: ").capitalize()
            yield ResultTable("Honeycomb", name, response.json())
