"""The saved queries of CloudWatch Logs Insights."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from local.queries.saved_query import TIME_RANGE, TRACE_ID_PLACEHOLDER, Row, SavedQuery

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def cloudwatch_queries(logs: CloudWatchLogsClient, log_group: str, folder: str) -> list[SavedQuery]:
    """Return the deployed query definitions of a folder (`Names.query_folder`); the one about one trace comes last."""
    prefix = f"{folder}/"
    definitions = logs.describe_query_definitions(queryDefinitionNamePrefix=prefix)["queryDefinitions"]
    queries = [
        SavedQuery(
            key=f"cloudwatch/{definition['name']}",
            product="CloudWatch",
            name=definition["name"].removeprefix(prefix),
            text=definition["queryString"],
            is_about_trace=TRACE_ID_PLACEHOLDER in definition["queryString"],
            run=partial(_rows, logs, log_group, definition["queryString"]),
        )
        for definition in definitions
    ]
    return sorted(queries, key=lambda each: each.is_about_trace)


def _rows(logs: CloudWatchLogsClient, log_group: str, query: str, trace_id: str) -> list[Row]:
    now = int(time.time())
    query_id = logs.start_query(
        logGroupName=log_group,
        startTime=now - int(TIME_RANGE.total_seconds()),
        endTime=now + 1,
        queryString=query.replace(TRACE_ID_PLACEHOLDER, trace_id),
    )["queryId"]
    results = logs.get_query_results(queryId=query_id)["results"]
    return [{each["field"]: each["value"] for each in row if each["field"] != "@ptr"} for row in results]
