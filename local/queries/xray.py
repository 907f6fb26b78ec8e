"""The X-Ray groups: each is a saved filter expression over traces."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local.queries.saved_query import TIME_RANGE, Row, SavedQuery

if TYPE_CHECKING:
    from mypy_boto3_xray import XRayClient


def xray_queries(xray: XRayClient) -> list[SavedQuery]:
    """Return a query for the traces of each group, without the default one, which matches everything."""
    pages = xray.get_paginator("get_groups").paginate()
    groups = [each for page in pages for each in page["Groups"] if each.get("FilterExpression")]
    return [
        SavedQuery(
            key=f"xray/{group['GroupName']}",
            product="X-Ray",
            name=f"Group {group['GroupName']}",
            text=group["FilterExpression"],
            run=partial(_rows, xray, group["FilterExpression"]),
        )
        for group in sorted(groups, key=itemgetter("GroupName"))
    ]


def _rows(xray: XRayClient, expression: str, _trace_id: str) -> list[Row]:
    now = datetime.now(UTC)
    pages = xray.get_paginator("get_trace_summaries").paginate(
        StartTime=now - TIME_RANGE, EndTime=now, FilterExpression=expression
    )
    return [
        {
            "trace id": each["Id"],
            "path": urlsplit(each.get("Http", {}).get("HttpURL", "")).path,
            "status": each.get("Http", {}).get("HttpStatus"),
            "seconds": each.get("Duration"),
        }
        # Newest first: an id begins with the start time in seconds.
        for each in sorted(pages.search("TraceSummaries[]"), key=itemgetter("Id"), reverse=True)
    ]
