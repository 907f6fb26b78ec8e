"""Ask the local deployment every question that ships with a deploy, as the products would, and print the answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import requests

from local.backing_services.emulated_aws import EmulatedAws
from local.commands.table import Answer
from local.workspace.errors import LocalError
from local.workspace.folders import CHECKOUT
from local.workspace.ports import LOOPBACK
from local.workspace.session import Desk
from local.workspace.state import StandInPorts
from service.contract import LOG_GROUP

LOOK_BACK: Final = timedelta(hours=3)
HONEYCOMB: Final = CHECKOUT / "honeycomb"
_PLACEHOLDER: Final = "0" * 32
"""What the query about one trace has where the id belongs."""
_SECONDS: Final = 30.0


def ask(desk: Desk, *, markdown: bool) -> None:
    """Print every answer. Raises `LocalError` where nothing is up."""
    port, ports = desk.state.gateway_port, desk.state.stand_ins
    if port is None or ports is None or desk.running("emulator") is None:
        raise LocalError("Nothing is up", "Start with make up, then open its page or send it requests")
    aws = EmulatedAws(port)
    for answers in (_of_cloudwatch(aws), _of_xray(aws), _of_honeycomb(ports)):
        for answer in answers:
            desk.report.line(answer.as_markdown() if markdown else answer.as_text())


def _of_cloudwatch(aws: EmulatedAws) -> Iterator[Answer]:
    """Run the saved queries that were deployed; the one about one trace is asked last, of a request that failed."""
    trace_id = _PLACEHOLDER
    saved = aws.logs.describe_query_definitions(queryDefinitionNamePrefix="Cruddur/")["queryDefinitions"]
    for each in sorted(saved, key=lambda query: _PLACEHOLDER in query["queryString"]):
        rows = _run(aws, each["queryString"].replace(_PLACEHOLDER, trace_id))
        failed = [row["trace_id"] for row in rows if "trace_id" in row and row.get("status", "").startswith("5")]
        trace_id = failed[0] if failed else trace_id
        yield Answer("CloudWatch", each["name"].removeprefix("Cruddur/"), rows)


def _run(aws: EmulatedAws, query: str) -> list[dict[str, str]]:
    now = int(time.time())
    begun = aws.logs.start_query(
        logGroupName=LOG_GROUP,
        startTime=now - int(LOOK_BACK.total_seconds()),
        endTime=now + 1,
        queryString=query,
    )
    found = aws.logs.get_query_results(queryId=begun["queryId"])["results"]
    return [{each["field"]: each["value"] for each in row if each["field"] != "@ptr"} for row in found]


def _of_xray(aws: EmulatedAws) -> Iterator[Answer]:
    """List the traces of each group that was deployed."""
    now = datetime.now(UTC)
    for group in sorted(aws.xray.get_groups()["Groups"], key=lambda each: each["GroupName"]):
        expression = group.get("FilterExpression", "")
        if not expression:  # the default group, of everything
            continue
        pages = aws.xray.get_paginator("get_trace_summaries").paginate(
            StartTime=now - LOOK_BACK, EndTime=now, FilterExpression=expression
        )
        rows = [
            {
                "trace id": each["Id"],
                "path": urlsplit(each.get("Http", {}).get("HttpURL", "")).path,
                "status": each.get("Http", {}).get("HttpStatus"),
                "seconds": each.get("Duration"),
            }
            # The newest first: an id begins with the second in which its trace began.
            for each in sorted(pages.search("TraceSummaries[]"), key=itemgetter("Id"), reverse=True)
        ]
        yield Answer("X-Ray", f"Group {group['GroupName']}: {expression}", rows)


def _of_honeycomb(ports: StandInPorts) -> Iterator[Answer]:
    """Run what the board shows, in its order."""
    with requests.Session() as session:
        session.trust_env = False
        for panel in _declared(HONEYCOMB / "board.json")["panels"]:
            query = _declared(HONEYCOMB / "queries" / f"{panel['query']}.json")
            url = f"http://{LOOPBACK}:{ports.honeycomb}/queries/{query['dataset']}"
            answer = session.post(url, json=query["query"], timeout=_SECONDS)
            answer.raise_for_status()
            yield Answer("Honeycomb", query["name"].removeprefix("Cruddur: ").capitalize(), answer.json())


def _declared(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
