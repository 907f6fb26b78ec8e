from __future__ import annotations

from typing import Any

import pytest

from tests.local.emulator.conftest import Aws, Client
from tests.local.emulator.xray.test_traces import new_trace_id, put, search, segment

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def http(status: int, url: str) -> dict[str, Any]:
    return {"request": {"method": "GET", "url": url, "user_agent": "curl/8"}, "response": {"status": status}}


@pytest.fixture
def xray(aws: Aws) -> Client:
    """Two traces: a quick one that is fine, and a slow fault that called a service of another name."""
    client = aws.client("xray")
    client.create_group(GroupName="Cruddur", FilterExpression='service("Backend-Flask") { fault }')
    fine = segment(new_trace_id(), http=http(200, "http://cruddur/home"), annotations={"handle": "andrew", "length": 3})
    slow = segment(trace_id := new_trace_id(), fault=True, http=http(500, "http://cruddur/fault"), user="bayko")
    slow["end_time"] = slow["start_time"] + 4
    called = segment(trace_id, name="Rollbar", origin="remote", parent_id=slow["id"], error=True)
    called["annotations"] = {"new": True}
    assert put(client, fine, slow, called) == []
    client.known = {fine["trace_id"]: "fine", trace_id: "slow"}
    return client


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("ok", {"fine"}),
        ("fault", {"slow"}),
        ("!fault", {"fine"}),
        ("NOT fault", {"fine"}),
        ("error", set()),
        ('service("Backend-Flask")', {"fine", "slow"}),
        ('service("Rollbar")', {"slow"}),
        ('service("Rollbar") { error }', {"slow"}),
        ('service("Rollbar") { fault }', set()),
        ('service(id(name: "Rollbar", type: "remote"))', {"slow"}),
        ('service("Nobody")', set()),
        ('group.name = "Cruddur"', {"slow"}),
        ("http.status = 500", {"slow"}),
        ("http.status != 500", {"fine"}),
        ("http.status >= 200 AND http.status < 300", {"fine"}),
        ("responsetime > 1", {"slow"}),
        ("responsetime<=1", {"fine"}),
        ("duration >= 4", {"slow"}),
        ('annotation.handle = "andrew"', {"fine"}),
        ('annotation[handle] = "andrew"', {"fine"}),
        ('annotation.handle BEGINSWITH "and"', {"fine"}),
        ('annotation.handle = "bayko"', set()),
        ("annotation.length = 3", {"fine"}),
        ("annotation.length > 3", set()),
        ("annotation.new = true", {"slow"}),
        ("annotation.new", {"slow"}),
        ('http.url CONTAINS "/fault"', {"slow"}),
        ('http.url ENDSWITH "/home"', {"fine"}),
        ('user = "bayko"', {"slow"}),
        ("fault OR ok", {"fine", "slow"}),
        ('ok OR fault AND user = "nobody"', {"fine"}),
        ('(ok OR fault) AND user = "bayko"', {"slow"}),
        ('!(fault OR annotation.handle = "andrew")', set()),
    ],
)
def test_an_expression_selects_the_traces_that_it_describes(xray: Client, expression: str, found: set[str]) -> None:
    assert {xray.known[summary["Id"]] for summary in search(xray, expression)} == found


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ("coverage > 3", "coverage"),
        ('edge("a", "b")', "edge"),
        ("fault AND", "its end"),
        ("fault ok", "ok"),
        ("responsetime > slow", "slow where a number is needed"),
        ("responsetime CONTAINS 3", "CONTAINS where one of"),
        ("http.url = plain", "plain where a quoted string is needed"),
        ('user = "open', '"open'),
        (r'user = "\q"', "q"),
        ("(fault", "its end"),
        ('group.name = "Nobody"', "the group Nobody"),
        ("(" * 30 + "ok" + ")" * 30, "levels of nesting"),
        ("fault OR " * 300 + "ok", "longer than"),
        ("§", "§"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(xray: Client, expression: str, named: str) -> None:
    with pytest.raises(xray.exceptions.InvalidRequestException) as refused:
        search(xray, expression)

    assert named in str(refused.value)
