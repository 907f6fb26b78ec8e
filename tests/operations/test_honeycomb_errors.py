"""What goes wrong is one line that names the thing and the remedy, never the key; waiting is bounded."""

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import requests

from operations.honeycomb.patience import ATTEMPTS, LONGEST_WAIT, asked_pause
from tests.fakes.honeycomb_api import Refusal
from tests.operations.honeycomb_rig import KEY, Rig, rig

__all__ = ["rig"]

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def refused(rig: Rig, *refusals: Refusal) -> str:
    """Return the one line that a run says which is refused so."""
    for refusal in refusals:
        rig.environment.refuse(refusal, times=ATTEMPTS)
    outcome = rig.run()
    assert outcome.code == 1
    [line] = outcome.err.splitlines()
    return line


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_rate_limit_is_obeyed(rig: Rig, method: str) -> None:
    rig.environment.refuse(Refusal(status=429, headers={"Retry-After": "7"}, method=method), times=2)

    assert rig.run().code == 0

    assert rig.waits == [7.0, 7.0]
    assert rig.writes_of() == []


def test_a_rate_limit_may_end_at_a_date(rig: Rig) -> None:
    ends = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    rig.environment.refuse(Refusal(status=429, headers={"Retry-After": ends}))

    assert rig.run().code == 0

    [waited] = rig.waits
    assert 30 < waited <= 60


def test_a_date_is_counted_from_the_servers_own_clock() -> None:
    theirs = datetime(2031, 1, 1, tzinfo=UTC)
    answer = requests.Response()
    answer.headers["Date"] = format_datetime(theirs, usegmt=True)
    answer.headers["Retry-After"] = format_datetime(theirs + timedelta(seconds=11), usegmt=True)

    assert asked_pause(answer) == 11.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"RateLimit": "limit=100, remaining=0, reset=42"}, 42.0), ({"Retry-After": "soon"}, 1.0), ({}, 1.0)],
)
def test_a_rate_limit_without_a_time_to_retry_waits_for_the_next_window(
    rig: Rig, headers: dict[str, str], seconds: float
) -> None:
    rig.environment.refuse(Refusal(status=429, headers={"RateLimit": "", **headers}))

    assert rig.run().code == 0

    assert rig.waits == [seconds]


def test_a_rate_limit_that_stays_is_an_error_after_a_few_attempts(rig: Rig) -> None:
    line = refused(rig, Refusal(status=429, headers={"Retry-After": "2"}))

    assert "GET /1/auth: Honeycomb answered 429" in line
    assert "Run make honeycomb again" in line
    assert rig.waits == [2.0] * (ATTEMPTS - 1)


def test_nothing_waits_longer_than_a_run_may(rig: Rig) -> None:
    refused(rig, Refusal(status=429, headers={"Retry-After": str(int(LONGEST_WAIT) + 1)}))

    assert rig.waits == []


def test_a_server_error_is_waited_out_where_asking_twice_does_no_harm(rig: Rig) -> None:
    rig.environment.refuse(Refusal(status=503, method="GET"), times=2)

    assert rig.run().code == 0

    assert rig.waits == [1.0, 2.0]


def test_what_is_to_be_made_is_not_asked_for_twice_after_a_server_error(rig: Rig) -> None:
    rig.environment.refuse(Refusal(status=502, method="POST", path="/1/boards", after=True))

    outcome = rig.run()

    assert outcome.code == 1
    assert "POST /1/boards: Honeycomb answered 502" in outcome.err
    assert "what was made before stays" in outcome.err
    assert rig.waits == []
    assert rig.writes_of() == []
    assert len(rig.environment.boards) == 1


def test_a_run_that_broke_off_is_finished_by_the_next(rig: Rig) -> None:
    rig.environment.refuse(Refusal(status=500, method="POST", path="/1/triggers"))
    assert rig.run().code == 1

    assert rig.run().code == 0

    assert (len(rig.environment.annotations), len(rig.environment.triggers), len(rig.environment.boards)) == (7, 2, 1)


def test_a_wrong_key_is_named_with_its_remedy(rig: Rig) -> None:
    rig.environment.key = "another"

    line = refused(rig)

    assert "answered 401 (unknown API key - check your credentials)" in line
    assert "Check the key" in line
    assert "configuration key with Manage Queries and Columns" in line


def test_an_ingest_key_is_told_from_a_configuration_key(rig: Rig) -> None:
    rig.environment.key_type = "ingest"

    assert "The key is an ingest key, which may send spans and nothing else. Give a configuration key" in refused(rig)


def test_a_missing_permission_is_named_before_anything_is_written(rig: Rig) -> None:
    rig.environment.denied = frozenset({"triggers", "boards"})

    assert "The key lacks the permission Manage Public Boards, Manage Triggers" in refused(rig)
    assert rig.environment.writes == []


def test_a_refused_permission_is_named_with_its_remedy(rig: Rig) -> None:
    line = refused(rig, Refusal(status=403, path="/1/boards", body={"error": "not yours"}))

    assert "GET /1/boards: Honeycomb answered 403 (not yours). Give the key the permission" in line


def test_a_query_that_honeycomb_does_not_take_is_named_by_field(rig: Rig) -> None:
    def misspell(document: dict[str, dict[str, list[dict[str, str]]]]) -> None:
        document["query"]["calculations"][0]["op"] = "P42"

    rig.edit("queries/errors-by-route.json", misspell)

    line = refused(rig)

    assert line.startswith(
        "Query errors-by-route: POST /1/queries/backend-flask: Honeycomb answered 422 (calculations[0]"
    )
    assert line.endswith("Mend the declaration below honeycomb/.")


def test_a_key_that_the_server_repeats_is_not_shown(rig: Rig) -> None:
    assert "(unknown key ***, really)" in refused(
        rig, Refusal(status=401, body={"error": f"unknown key {KEY}, really"})
    )


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(status=302, headers={"Location": "https://elsewhere.example/"}),
        Refusal(status=200, body=["not", "an", "object"]),
        Refusal(status=200, body={"api_key_access": None}),
        Refusal(status=404, path="/1/auth"),
    ],
)
def test_another_server_than_honeycombs_is_recognized_and_never_followed(rig: Rig, refusal: Refusal) -> None:
    assert "HONEYCOMB_API_URL" in refused(rig, refusal)


@pytest.mark.parametrize("body", [{"id": "x"}, [1], [{"name": "without an id"}]])
def test_a_list_of_another_shape_is_no_traceback(rig: Rig, body: object) -> None:
    assert "is not Honeycomb's" in refused(rig, Refusal(status=200, path="/1/boards", body=body))


def test_a_made_thing_without_an_id_is_no_traceback(rig: Rig) -> None:
    line = refused(rig, Refusal(status=200, method="POST", path="/1/queries", body={"ok": True}))

    assert "that is not Honeycomb's" in line


def test_a_server_that_is_away_is_named_with_its_remedy(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setenv("HONEYCOMB_API_URL", f"http://127.0.0.1:{port}")

    line = refused(rig)

    assert f"GET /1/auth: http://127.0.0.1:{port} gave no answer (ConnectionError). Check the network" in line
    assert rig.waits == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    "url", ["http://api.honeycomb.io", "api.honeycomb.io", "https://user:word@api.honeycomb.io", "https://"]
)
def test_an_address_that_would_show_the_key_is_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HONEYCOMB_API_URL", url)

    line = refused(rig)

    assert line.startswith("HONEYCOMB_API_URL is ")
    assert "word" not in line
    assert rig.environment.requests == []
