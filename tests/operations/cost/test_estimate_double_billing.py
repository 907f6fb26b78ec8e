"""What is billed twice is warned of, with what it costs again and the remedy."""

from __future__ import annotations

import re

import pytest

from tests.operations.cost.stacks import (
    SERVICE,
    STACKS,
    Json,
    container,
    estimated,
    of,
    parsed,
    rows,
    with_variable,
)


def warnings(content: Json, requests: float = 10) -> str:
    return " ".join(estimated(of(content), requests).warnings)


def test_nothing_of_the_project_is_billed_twice() -> None:
    assert [name for name in STACKS if estimated(name, 10).warnings] == []


@pytest.mark.parametrize("same_group", [False, True])
def test_lines_that_are_printed_too_are_billed_and_warned_of(same_group: bool) -> None:  # noqa: FBT001
    content = with_variable(parsed("dev"), "LOG_CONSOLE", "true")
    if same_group:
        container(content)["LogConfiguration"]["Options"]["awslogs-group"] = "Cruddur-dev-Backend-Flask"
    usual, twice = rows(estimated("dev", 10)), rows(estimated(of(content), 10))
    again = 10 * 730 * 3600 * 1000 / 2**30 * 0.5
    assert twice["Log ingestion"] == pytest.approx(usual["Log ingestion"] + again)
    text = warnings(content)
    assert f"${again:,.2f} a month: set LOG_CONSOLE=false" in text
    assert ("to the same log group" in text) is same_group


def test_lines_are_printed_where_the_variable_is_not_set() -> None:
    content = parsed("dev")
    variables = container(content)["Environment"]
    variables[:] = [each for each in variables if each["Name"] != "LOG_CONSOLE"]
    assert "billed twice" in warnings(content)


def test_application_signals_beside_x_ray_are_warned_of() -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"]["Signals"] = {"Type": "AWS::ApplicationSignals::Discovery"}
    assert re.search(r"X-Ray, and by Application Signals \(Signals\), which costs \$[\d,.]+ a month", warnings(content))
    content[SERVICE]["Resources"]["Search"] = {"Type": "AWS::XRay::TransactionSearchConfig"}
    assert not warnings(content)


@pytest.mark.parametrize(("one", "other", "overlap"), [("ALL", "REJECT", True), ("ACCEPT", "REJECT", False)])
def test_two_flow_logs_of_the_same_connections_are_warned_of(one: str, other: str, *, overlap: bool) -> None:
    content = parsed("dev")
    for name, kind in (("First", one), ("Second", other)):
        content[SERVICE]["Resources"][name] = {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {"ResourceId": "vpc-1", "ResourceType": "VPC", "TrafficType": kind},
        }
    assert ("First and Second" in warnings(content)) is overlap
