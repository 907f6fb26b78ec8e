"""An error is one line that names the problem and the remedy, never the key; retries are bounded."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from operations.honeycomb.retry import MAX_ATTEMPTS, RETRY_BUDGET, retry_after
from tests.fakes.honeycomb_api import PlannedResponse
from tests.operations.honeycomb_rig import KEY, Rig, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def error_line(rig: Rig, *responses: PlannedResponse) -> str:
    """Return the error line of a run whose requests get these responses."""
    for response in responses:
        rig.environment.plan(response, times=MAX_ATTEMPTS)
    outcome = rig.run()
    assert outcome.code == 1
    [line] = outcome.err.splitlines()
    return line


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_429_is_retried_after_the_delay_it_asks_for(rig: Rig, method: str) -> None:
    rig.environment.plan(PlannedResponse(status=429, headers={"Retry-After": "7"}, method=method), times=2)

    assert rig.run().code == 0

    assert rig.delays == [7.0, 7.0]
    assert rig.writes_of() == []


def test_retry_after_may_be_a_date(rig: Rig) -> None:
    ends = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    rig.environment.plan(PlannedResponse(status=429, headers={"Retry-After": ends}))

    assert rig.run().code == 0

    [delay] = rig.delays
    assert 30 < delay <= 60


def test_a_retry_after_date_is_read_by_the_servers_clock() -> None:
    server_time = datetime(2031, 1, 1, tzinfo=UTC)
    response = requests.Response()
    response.headers["Date"] = format_datetime(server_time, usegmt=True)
    response.headers["Retry-After"] = format_datetime(server_time + timedelta(seconds=11), usegmt=True)

    assert retry_after(response) == 11.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"RateLimit": "limit=100, remaining=0, reset=42"}, 42.0), ({"Retry-After": "soon"}, 1.0), ({}, 1.0)],
)
def test_a_429_without_retry_after_is_retried_when_the_window_resets(
    rig: Rig, headers: dict[str, str], seconds: float
) -> None:
    rig.environment.plan(PlannedResponse(status=429, headers={"RateLimit": "", **headers}))

    assert rig.run().code == 0

    assert rig.delays == [seconds]


def test_a_429_that_persists_is_an_error_after_the_last_attempt(rig: Rig) -> None:
    line = error_line(rig, PlannedResponse(status=429, headers={"Retry-After": "2"}))

    assert "GET /1/auth: Honeycomb answered 429" in line
    assert "Try again later" in line
    assert rig.delays == [2.0] * (MAX_ATTEMPTS - 1)


def test_a_delay_beyond_the_retry_budget_is_not_waited_for(rig: Rig) -> None:
    error_line(rig, PlannedResponse(status=429, headers={"Retry-After": str(int(RETRY_BUDGET) + 1)}))

    assert rig.delays == []


def test_a_5xx_is_retried_with_backoff_where_the_request_is_idempotent(rig: Rig) -> None:
    rig.environment.plan(PlannedResponse(status=503, method="GET"), times=2)

    assert rig.run().code == 0

    assert rig.delays == [1.0, 2.0]


def test_a_post_is_not_retried_after_a_5xx(rig: Rig) -> None:
    rig.environment.plan(PlannedResponse(status=502, method="POST", path="/1/boards", after=True))

    outcome = rig.run()

    assert outcome.code == 1
    assert "POST /1/boards: Honeycomb answered 502" in outcome.err
    assert "what is already created is kept" in outcome.err
    assert rig.delays == []
    assert rig.writes_of() == []
    assert len(rig.environment.boards) == 1


def test_a_run_that_failed_midway_is_completed_by_the_next(rig: Rig) -> None:
    rig.environment.plan(PlannedResponse(status=500, method="POST", path="/1/triggers"))
    assert rig.run().code == 1

    assert rig.run().code == 0

    assert (len(rig.environment.annotations), len(rig.environment.triggers), len(rig.environment.boards)) == (7, 2, 1)


def test_a_401_says_which_key_is_required(rig: Rig) -> None:
    rig.environment.key = "another"

    line = error_line(rig)

    assert "answered 401 (unknown API key - check your credentials)" in line
    assert "Check the key" in line
    assert "configuration key with Manage Queries and Columns" in line


def test_an_ingest_key_is_recognized(rig: Rig) -> None:
    rig.environment.key_type = "ingest"

    assert "The key is an ingest key, which can only send spans. Use a configuration key" in error_line(rig)


def test_a_missing_permission_is_named_before_anything_is_written(rig: Rig) -> None:
    rig.environment.denied = frozenset({"triggers", "boards"})

    assert "The key lacks the permission Manage Public Boards, Manage Triggers" in error_line(rig)
    assert rig.environment.writes == []


def test_a_403_says_which_permissions_are_required(rig: Rig) -> None:
    line = error_line(rig, PlannedResponse(status=403, path="/1/boards", body={"error": "not yours"}))

    assert "GET /1/boards: Honeycomb answered 403 (not yours). Give the key the missing permission" in line


def test_a_query_that_honeycomb_rejects_is_named_by_field(rig: Rig) -> None:
    def misspell(document: dict[str, dict[str, list[dict[str, str]]]]) -> None:
        document["query"]["calculations"][0]["op"] = "P42"

    rig.edit("queries/errors-by-route.json", misspell)

    line = error_line(rig)

    assert line.startswith(
        "Query errors-by-route: POST /1/queries/backend-flask: Honeycomb answered 422 (calculations[0]"
    )
    assert line.endswith("Fix the declaration below honeycomb/")


def test_a_key_that_the_server_repeats_is_not_shown(rig: Rig) -> None:
    assert "(unknown key ***, really)" in error_line(
        rig, PlannedResponse(status=401, body={"error": f"unknown key {KEY}, really"})
    )


@pytest.mark.parametrize(
    "response",
    [
        PlannedResponse(status=302, headers={"Location": "https://elsewhere.example/"}),
        PlannedResponse(status=200, body=["not", "an", "object"]),
        PlannedResponse(status=200, body={"api_key_access": None}),
        PlannedResponse(status=404, path="/1/auth"),
    ],
)
def test_another_server_is_recognized_and_its_redirects_are_not_followed(rig: Rig, response: PlannedResponse) -> None:
    assert "HONEYCOMB_API_URL" in error_line(rig, response)


@pytest.mark.parametrize("body", [{"id": "x"}, [1], [{"name": "without an id"}]])
def test_a_list_of_an_unexpected_shape_is_an_error_line(rig: Rig, body: object) -> None:
    assert "is not Honeycomb's" in error_line(rig, PlannedResponse(status=200, path="/1/boards", body=body))


def test_a_created_resource_without_an_id_is_an_error_line(rig: Rig) -> None:
    line = error_line(rig, PlannedResponse(status=200, method="POST", path="/1/queries", body={"ok": True}))

    assert "is not Honeycomb's" in line


def test_an_unreachable_server_is_named_with_its_remedy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setenv("HONEYCOMB_API_URL", f"http://127.0.0.1:{port}")

    line = error_line(rig)

    assert f"GET /1/auth: no response from http://127.0.0.1:{port} (ConnectionError). Check the network" in line
    assert rig.delays == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "url", ["http://api.honeycomb.io", "api.honeycomb.io", "https://user:word@api.honeycomb.io", "https://"]
)
def test_a_url_that_would_expose_the_key_is_rejected(rig: Rig, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HONEYCOMB_API_URL", url)

    line = error_line(rig)

    assert line.startswith("HONEYCOMB_API_URL is ")
    assert "word" not in line
    assert rig.environment.requests == []
