"""The fake accepts and refuses what Honeycomb does (Honeycomb API reference: Queries, Query Data)."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from local.fakes import honeycomb
from local.fakes.honeycomb import query_data
from tests.local.fakes.conftest import Serve

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

HEADERS = {"X-Honeycomb-Team": "any"}
COUNT: dict[str, Any] = {"calculations": [{"op": "COUNT"}]}


def post(url: str, path: str, body: Any) -> requests.Response:  # noqa: ANN401 - any JSON
    return requests.post(f"{url}/1/{path}", json=body, headers=HEADERS, timeout=10)


def get(url: str, path: str) -> requests.Response:
    return requests.get(f"{url}/1/{path}", headers=HEADERS, timeout=10)


def test_a_query_is_created_run_and_read_once_it_is_complete(serve: Serve) -> None:
    url = serve(honeycomb.create_app())

    query = post(url, "queries/__all__", COUNT).json()
    created = post(url, "query_results/__all__", {"query_id": query["id"], "disable_series": True, "limit": 10})
    result = get(url, f"query_results/__all__/{created.json()['id']}").json()

    assert (created.status_code, created.json()["complete"]) == (201, False)
    assert (result["complete"], result["data"]) == (True, {"results": []})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("queries/__all__", [], 400),
        ("queries/__all__", {"calculations": [{"op": "HEATMAP", "column": "x"}], "having": 1}, 422),
        ("query_results/__all__", {"query_id": "none"}, 404),
        ("query_results/__all__", 5, 404),
    ],
)
def test_another_request_is_refused(serve: Serve, path: str, body: Any, status: int) -> None:  # noqa: ANN401 - any JSON
    assert post(serve(honeycomb.create_app()), path, body).status_code == status


@pytest.mark.parametrize(
    "period", [{"time_range": 8 * 86_400}, {"start_time": int(time.time()) - 8 * 86_400, "end_time": int(time.time())}]
)
def test_a_result_covers_seven_days_at_most(serve: Serve, period: dict[str, int]) -> None:
    url = serve(honeycomb.create_app())
    query = post(url, "queries/__all__", COUNT | period).json()

    assert post(url, "query_results/__all__", {"query_id": query["id"]}).status_code == 400


def test_a_result_that_is_gone_is_not_found(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_data, "MAX_QUERIES", 1)
    url = serve(honeycomb.create_app())
    first, second = (post(url, "queries/__all__", COUNT).json() for _ in range(2))

    assert post(url, "query_results/__all__", {"query_id": first["id"]}).status_code == 404
    assert post(url, "query_results/__all__", {"query_id": second["id"]}).status_code == 201
    assert get(url, "query_results/__all__/none").status_code == 404


def test_a_key_is_needed_and_tells_its_environment(serve: Serve) -> None:
    url = serve(honeycomb.create_app())

    assert requests.get(f"{url}/1/auth", timeout=10).status_code == 401
    assert get(url, "auth").json()["environment"]["slug"] == "local"
