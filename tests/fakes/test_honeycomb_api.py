"""The fake of Honeycomb's configuration API checks keys and queries, lists columns and sends planned responses."""

from __future__ import annotations

import pytest
import requests

from tests.fakes.api_client import COLUMNS, COUNT, KEY, P99, ApiClient, Document, board_of, trigger_of
from tests.fakes.honeycomb_api import PlannedResponse

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def test_created_resources_are_listed_as_sent(api: ApiClient) -> None:
    query = api.query()
    annotation = api.post("/1/query_annotations/backend", {"name": "A", "description": "d", "query_id": query})
    board = api.post("/1/boards", board_of(query, annotation["id"]))
    trigger = api.post("/1/triggers/backend", trigger_of(query))

    assert api.get(f"/1/queries/backend/{query}") == {**COUNT, "id": query}
    assert api.get("/1/query_annotations/backend") == [annotation]
    assert (annotation["name"], annotation["source"]) == ("A", "query")
    assert api.get("/1/boards") == [board]
    assert board["panels"][0]["query_panel"]["dataset"] == "backend"
    assert api.get("/1/triggers/backend") == [trigger]
    assert (trigger["query"]["id"], trigger["alert_type"], trigger["dataset_slug"]) == (query, "on_change", "backend")


def test_only_accepted_writes_are_recorded_as_writes(api: ApiClient) -> None:
    api.query()
    api.get("/1/boards")
    api.call("POST", "/1/boards", {})

    assert api.environment.writes == api.get("/writes") == ["POST /1/queries/backend"]


def test_auth_lists_the_permissions_of_the_key(api: ApiClient) -> None:
    api.environment.denied = frozenset({"boards"})

    key = api.get("/1/auth")

    assert (key["type"], key["environment"]["slug"], key["team"]["slug"]) == ("configuration", "local", "cruddur")
    assert (key["api_key_access"]["boards"], key["api_key_access"]["columns"]) == (False, True)


@pytest.mark.parametrize("key", ["", "another"])
def test_an_unknown_key_is_rejected(api: ApiClient, key: str) -> None:
    assert api.call("GET", "/1/auth", key=key).status_code == 401
    assert api.call("POST", "/1/queries/backend", COUNT, key=key).status_code == 401


@pytest.mark.parametrize(
    ("permission", "path"), [("columns", "/1/columns/backend"), ("boards", "/1/boards"), ("triggers", "/1/triggers/x")]
)
def test_a_key_without_the_permission_is_rejected(api: ApiClient, permission: str, path: str) -> None:
    api.environment.denied = frozenset({permission})
    assert api.call("GET", path).status_code == 403


def test_an_ingest_key_is_rejected_by_the_configuration_api(api: ApiClient) -> None:
    api.environment.key_type = "ingest"
    assert api.get("/1/auth")["api_key_access"] == {"createDatasets": True}
    assert api.call("POST", "/1/queries/backend", COUNT).status_code == 403


def test_an_unknown_dataset_is_not_found(api: ApiClient) -> None:
    for path in ("/1/columns/nowhere", "/1/query_annotations/nowhere", "/1/triggers/nowhere"):
        assert api.call("GET", path).status_code == 404
    assert api.call("POST", "/1/queries/nowhere", COUNT).status_code == 404


def test_the_environment_has_the_columns_of_all_datasets(api: ApiClient) -> None:
    api.environment.datasets = {"backend": COLUMNS, "frontend": ("page.route",)}

    assert {each["key_name"] for each in api.get("/1/columns/__all__")} == {*COLUMNS, "page.route"}
    assert [each["slug"] for each in api.get("/1/datasets")] == ["backend", "frontend"]
    api.query("__all__", breakdowns=["page.route", "user.id"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"calculations": [{"op": "P42", "column": "duration_ms"}]}, "calculations[0].op"),
        ({"calculations": [{"column": "duration_ms"}]}, "calculations[0].op"),
        ({"calculations": [{"op": "P99"}]}, "calculations[0].column"),
        ({"calculations": [{"op": "COUNT", "column": "name"}]}, "calculations[0].column"),
        ({"calculations": {"op": "COUNT"}}, "calculations"),
        ({"filters": [{"column": "name", "op": "like", "value": "x"}]}, "filters[0].op"),
        ({"filters": [{"op": "exists"}]}, "filters[0].column"),
        ({"filters": [{"column": "name", "op": "exists", "value": 1}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "="}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "in", "value": "x"}]}, "filters[0].value"),
        ({"filters": [{"column": "name", "op": "=", "value": ["x"]}]}, "filters[0].value"),
        ({"filter_combination": "XOR"}, "filter_combination"),
        ({"breakdowns": "name"}, "breakdowns"),
        ({"breakdowns": ["name"] * 101}, "breakdowns"),
        ({"orders": [{"op": "P99", "column": "duration_ms"}]}, "orders[0]"),
        ({"orders": [{"column": "name"}]}, "orders[0]"),
        ({"orders": [{"op": "COUNT", "order": "down"}]}, "orders[0].order"),
        ({"havings": [{"calculate_op": "P99", "column": "duration_ms", "op": ">", "value": 1}]}, "havings[0]"),
        ({"havings": [{"calculate_op": "HEATMAP"}]}, "havings[0].calculate_op"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": True}, "limit"),
        ({"time_range": "7200"}, "time_range"),
        ({"time_range": 600, "start_time": 1, "end_time": 2}, "time_range"),
        ({"start_time": 2, "end_time": 1, "time_range": None}, "time_range"),
        ({"granularity": 601}, "granularity"),
        ({"compare_time_offset_seconds": 5}, "compare_time_offset_seconds"),
        ({"time_range": 7200, "compare_time_offset_seconds": 3600}, "compare_time_offset_seconds"),
        ({"calculated_fields": [{"name": "x"}]}, "calculated_fields[0].expression"),
        ({"breakdown": ["name"]}, "breakdown"),
        ({"breakdowns": ["enduser.id"]}, "breakdowns[0]"),
        ({"filters": [{"column": "enduser.id", "op": "exists"}]}, "filters[0].column"),
        (
            {"calculated_fields": [{"name": "x", "expression": "COALESCE($name, $enduser.id)"}]},
            "calculated_fields[0].expression",
        ),
    ],
)
def test_an_invalid_query_is_rejected_by_field(api: ApiClient, query: Document, field: str) -> None:
    assert field in api.rejected_fields("/1/queries/backend", {**COUNT, **query})
    assert api.environment.queries == {}


def test_a_query_may_use_every_supported_field(api: ApiClient) -> None:
    api.query(
        calculations=[{"op": "COUNT", "column": None}, *P99, {"op": "MAX", "column": "own"}],
        calculated_fields=[{"name": "own", "expression": 'IF(EQUALS($name, "$x"), 1, 0)'}],
        breakdowns=["name", "own"],
        filters=[{"column": "name", "op": "not-in", "value": ["a"]}, {"column": "own", "op": "exists"}],
        filter_combination="OR",
        orders=[{"op": "P99", "column": "duration_ms", "order": "descending"}, {"column": "name"}],
        havings=[{"calculate_op": "COUNT", "op": ">", "value": 3}],
        limit=1000,
        granularity=60,
        compare_time_offset_seconds=3600,
    )


def test_a_dataset_without_listed_columns_accepts_any_column(api: ApiClient) -> None:
    api.query("free", breakdowns=["whatever"])
    assert api.get("/1/columns/free") == []


def test_a_body_that_is_not_json_is_rejected(api: ApiClient) -> None:
    headers = {"X-Honeycomb-Team": KEY}
    assert requests.post(f"{api.url}/1/boards", data="{", headers=headers, timeout=60).status_code == 400


def test_a_planned_rate_limit_applies_once_with_its_headers(api: ApiClient) -> None:
    headers = {"Retry-After": "3", "RateLimit": "limit=100, remaining=0, reset=3"}
    api.environment.plan(PlannedResponse(status=429, headers=headers, method="GET", path="/boards"))

    assert api.call("GET", "/1/auth").status_code == 200
    response = api.call("GET", "/1/boards")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "3")
    assert response.headers["RateLimit"] == "limit=100, remaining=0, reset=3"
    assert api.call("GET", "/1/boards").headers["RateLimitPolicy"] == "100;w=60"


def test_a_planned_response_can_follow_the_effect_of_the_request(api: ApiClient) -> None:
    api.environment.plan(PlannedResponse(status=502, method="POST", after=True))

    assert api.call("POST", "/1/queries/backend", COUNT).status_code == 502

    assert len(api.environment.queries) == 1
