from __future__ import annotations

from typing import Any

import pytest

from tests.local.emulator.conftest import Aws, Client
from tests.local.emulator.xray.segments import new_trace_id, put_segments, search, segment

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def http(status: int, url: str) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": url, "user_agent": "curl/8"}, "response": {"status": status}}


@pytest.fixture
def xray(aws: Aws) -> Client:
    """Two traces: a quick one without errors, and a slow fault with a downstream service of another name."""
    client = aws.client("xray")
    client.create_group(GroupName="Cruddur", FilterExpression='service("Backend-Flask") { fault }')
    quick = segment(
        new_trace_id(), http=http(200, "http://cruddur/home"), annotations={"handle": "andrew", "length": 3}
    )
    slow = segment(trace_id := new_trace_id(), fault=True, http=http(500, "http://cruddur/fault"), user="bayko")
    slow["end_time"] = slow["start_time"] + 4
    downstream = segment(trace_id, name="Rollbar", origin="remote", parent_id=slow["id"], error=True)
    downstream["annotations"] = {"new": True}
    assert put_segments(client, quick, slow, downstream) == []
    client.names_by_id = {quick["trace_id"]: "quick", trace_id: "slow"}
    return client


@pytest.mark.parametrize(
    ("expression", "matches"),
    [
        ("ok", {"quick"}),
        ("fault", {"slow"}),
        ("!fault", {"quick"}),
        ("NOT fault", {"quick"}),
        ("error", set()),
        ('service("Backend-Flask")', {"quick", "slow"}),
        ('service("Rollbar")', {"slow"}),
        ('service("Rollbar") { error }', {"slow"}),
        ('service("Rollbar") { fault }', set()),
        ('service(id(name: "Rollbar", type: "remote"))', {"slow"}),
        ('service("Nobody")', set()),
        ('group.name = "Cruddur"', {"slow"}),
        ("http.status = 500", {"slow"}),
        ("http.status != 500", {"quick"}),
        ("http.status >= 200 AND http.status < 300", {"quick"}),
        ("responsetime > 1", {"slow"}),
        ("responsetime<=1", {"quick"}),
        ("duration >= 4", {"slow"}),
        ('annotation.handle = "andrew"', {"quick"}),
        ('annotation[handle] = "andrew"', {"quick"}),
        ('annotation.handle BEGINSWITH "and"', {"quick"}),
        ('annotation.handle = "bayko"', set()),
        ("annotation.length = 3", {"quick"}),
        ("annotation.length > 3", set()),
        ("annotation.new = true", {"slow"}),
        ("annotation.new", {"slow"}),
        ('http.url CONTAINS "/fault"', {"slow"}),
        ('http.url ENDSWITH "/home"', {"quick"}),
        ('user = "bayko"', {"slow"}),
        ("fault OR ok", {"quick", "slow"}),
        ('ok OR fault AND user = "nobody"', {"quick"}),
        ('(ok OR fault) AND user = "bayko"', {"slow"}),
        ('!(fault OR annotation.handle = "andrew")', set()),
    ],
)
def test_an_expression_selects_matching_traces(xray: Client, expression: str, matches: set[str]) -> None:
    assert {xray.names_by_id[summary["Id"]] for summary in search(xray, expression)} == matches


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("coverage > 3", "coverage"),
        ('edge("a", "b")', "edge"),
        ("fault AND", "it ends too early"),
        ("fault ok", "ok"),
        ("responsetime > slow", "slow where a number is needed"),
        ("responsetime CONTAINS 3", "CONTAINS where one of"),
        ("http.url = plain", "plain where a quoted string is needed"),
        ('user = "open', '"open'),
        (r'user = "\q"', "q"),
        ("(fault", "it ends too early"),
        ('group.name = "Nobody"', "the group Nobody"),
        ("(" * 30 + "ok" + ")" * 30, "levels of nesting"),
        ("fault OR " * 300 + "ok", "longer than"),
        ("§", "§"),
    ],
)
def test_unsupported_syntax_is_an_error_that_names_it(xray: Client, expression: str, message: str) -> None:
    with pytest.raises(xray.exceptions.InvalidRequestException) as error:
        search(xray, expression)

    assert message in str(error.value)
