"""The queries of the Honeycomb board, run by Honeycomb's fake."""

from __future__ import annotations

import json
from functools import partial
from http import HTTPStatus
from typing import Final

import requests

from infra.names import Names
from local.queries.saved_query import Row, SavedQuery
from local.workspace.folders import CHECKOUT
from local.workspace.http_client import direct_client
from local.workspace.ports import LOOPBACK
from operations.honeycomb.declarations import Query, load
from operations.traces.errors import ReadError

DECLARATIONS: Final = CHECKOUT / "honeycomb"
TIMEOUT_SECONDS: Final = 30.0


def honeycomb_queries(port: int, names: Names) -> list[SavedQuery]:
    """Return the queries of the board, in its order, for the fake at a port. Raises `OperatorError`."""
    declared = load(DECLARATIONS, names)
    queries = [declared.queries[panel["query"]] for panel in declared.board["panels"]]
    return [
        SavedQuery(
            key=f"honeycomb/{query.key}",
            product="Honeycomb",
            name=query.name.removeprefix(f"{names.application.name}: ").capitalize(),
            text=json.dumps(query.specification, indent=2),
            run=partial(_rows, port, query),
        )
        for query in queries
    ]


def _rows(port: int, query: Query, _trace_id: str) -> list[Row]:
    url = f"http://{LOOPBACK}:{port}/queries/{query.dataset}"
    try:
        with direct_client() as client:
            response = client.post(url, json=query.specification, timeout=TIMEOUT_SECONDS)
        rows: list[Row] = response.json()
    except (requests.RequestException, ValueError) as error:
        raise ReadError(f"Honeycomb's fake at {url} does not respond ({error})", "Run make status") from error
    if response.status_code != HTTPStatus.OK:
        raise ReadError(
            f"Honeycomb's fake refused the query {query.key!r} with status {response.status_code}: {rows}",
            "Correct the query",
        )
    return rows
