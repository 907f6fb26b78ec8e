from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.emulator.conftest import Aws, Client, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

GROUP = "Cruddur-Backend-Flask"
LINES: list[str] = [
    json.dumps({"trace_id": "a" * 32, "status": 200, "route": "/api/activities/home", "user": None}),
    json.dumps({"trace_id": "b" * 32, "status": 500, "route": "/api/fault", "error": {"type": "ValueError"}}),
    "Hello CloudWatch! from  /api/activities/notifications",
]


@pytest.fixture
def logs(aws: Aws) -> Client:
    client = aws.client("logs")
    client.create_log_group(logGroupName=GROUP)
    client.create_log_stream(logGroupName=GROUP, logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + number, "message": line} for number, line in enumerate(LINES)]
    client.put_log_events(logGroupName=GROUP, logStreamName="one", logEvents=events)
    return client


def test_events_are_returned_as_put(logs: Client) -> None:
    events = logs.get_log_events(logGroupName=GROUP, logStreamName="one", startFromHead=True)["events"]

    assert [event["message"] for event in events] == LINES


@pytest.mark.parametrize(
    ("pattern", "numbers"),
    [
        ("", [0, 1, 2]),
        ('"Hello CloudWatch!"', [2]),
        ("hello", []),
        ("Hello notifications", [2]),
        ("?fault ?Hello", [1, 2]),
        ("api -Hello", [0, 1]),
        (f'{{ $.trace_id = "{"b" * 32}" }}', [1]),
        ('{ $.trace_id = "a*" }', [0]),
        ('{ $.trace_id != "a*" }', [1]),
        ("{ $.status >= 500 }", [1]),
        ("{ $.status = 200 }", [0]),
        ('{ $.error.type = "ValueError" && $.status > 499 }', [1]),
        ('{ ($.status = 200 || $.status = 500) && $.route = "*fault" }', [1]),
        ("{ $.user IS NULL }", [0]),
        ("{ $.error NOT EXISTS }", [0]),
    ],
)
def test_a_filter_pattern_selects_matching_events(logs: Client, pattern: str, numbers: list[int]) -> None:
    events = logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)["events"]

    assert [event["message"] for event in events] == [LINES[number] for number in numbers]


@pytest.mark.parametrize(
    "pattern",
    [
        "%regex%",
        "[ip, user]",
        "{ $.a = %x% }",
        "{ $.a }",
        '{ $.a = "b" ',
        '"open',
        "{ a = 1 }",
        '{ $.a > "x" }',
        r'"\q"',
    ],
)
def test_an_unsupported_filter_pattern_is_an_invalid_parameter(logs: Client, pattern: str) -> None:
    with pytest.raises(ClientError) as error:
        logs.filter_log_events(logGroupName=GROUP, filterPattern=pattern)

    assert error.value.response["Error"]["Code"] == "InvalidParameterException"


def query_definition(query: str) -> Template:
    properties = {"Name": "cruddur/by-trace", "QueryString": query, "LogGroupNames": [GROUP]}
    return {"Query": {"Type": "AWS::Logs::QueryDefinition", "Properties": properties}}


def test_a_query_definition_keeps_its_id_across_updates(aws: Aws) -> None:
    logs = aws.client("logs")
    stack = aws.stack(query_definition("fields @message"))
    stack.update(query_definition("fields @timestamp"))

    [query] = logs.describe_query_definitions(queryDefinitionNamePrefix="cruddur/")["queryDefinitions"]
    assert query["queryDefinitionId"] == stack.physical_id("Query")
    assert (query["queryString"], query["logGroupNames"]) == ("fields @timestamp", [GROUP])

    stack.delete()
    assert logs.describe_query_definitions()["queryDefinitions"] == []


def test_query_definitions_are_put_and_deleted_by_the_api(aws: Aws) -> None:
    logs = aws.client("logs")
    query = logs.put_query_definition(name="mine", queryString="fields @message")["queryDefinitionId"]
    logs.put_query_definition(queryDefinitionId=query, name="ours", queryString="fields @message")

    assert [each["name"] for each in logs.describe_query_definitions()["queryDefinitions"]] == ["ours"]
    assert logs.delete_query_definition(queryDefinitionId=query)["success"] is True
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.delete_query_definition(queryDefinitionId=query)


def rows(logs: Client, query: str) -> list[dict[str, str]]:
    now = int(time.time())
    started = logs.start_query(logGroupName=GROUP, startTime=now - 60, endTime=now + 60, queryString=query)
    results = logs.get_query_results(queryId=started["queryId"])["results"]
    return [{field["field"]: field["value"] for field in row if field["field"] != "@ptr"} for row in results]


def test_an_insights_query_filters_by_json_fields(logs: Client) -> None:
    query = 'fields trace_id, error.type | filter status >= 500 and error.type = "ValueError"'
    assert rows(logs, query) == [{"trace_id": "b" * 32, "error.type": "ValueError"}]


def test_an_insights_query_sorts_and_limits_messages(logs: Client) -> None:
    assert rows(logs, "fields @message | sort @timestamp desc | limit 2") == [
        {"@message": LINES[2]},
        {"@message": LINES[1]},
    ]


@pytest.mark.parametrize(
    "query", ['parse @message "* *" as a, b', "dedup route", "filter status >=", "stats median(status)", "limit many"]
)
def test_an_insights_query_with_unsupported_syntax_is_malformed(logs: Client, query: str) -> None:
    with pytest.raises(logs.exceptions.MalformedQueryException, match=r"not emulated|ends too early"):
        rows(logs, f"fields @message | {query}")


def test_a_log_group_without_a_name_is_named_after_its_stack_and_keeps_its_name(aws: Aws) -> None:
    group: Template = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 1}}
    stack = aws.stack({"Group": group})
    name = stack.physical_id("Group")

    assert name.startswith(f"{stack.name}-Group-")
    stack.update({"Group": group | {"Properties": {"RetentionInDays": 3}}})
    assert stack.physical_id("Group") == name
    [described] = aws.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert described["retentionInDays"] == 3
