"""Intrinsic functions are resolved as far as the templates tell; the rest is open, and what is taken for it is said."""

from __future__ import annotations

import re
from typing import Any

import pytest

from operations.cost import templates
from operations.cost.intrinsics import is_open, reference
from operations.cost.templates import Templates
from tests.operations.cost.stacks import estimated, parsed

PARAMETERS = {
    "Size": {"Type": "Number", "Default": 512},
    "Open": {"Type": "String"},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/path"},
}
CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Ref": "Size"}, "512"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "Maybe"}]},
    "Maybe": {"Fn::Equals": [{"Ref": "Open"}, "x"]},
}
OTHER = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Arn": {"Value": {"Ref": "Topic"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-arn"}}}},
}


def loaded(*, region: str = "", **properties: Any) -> Templates:  # noqa: ANN401 - JSON
    stack = {
        "Parameters": PARAMETERS,
        "Conditions": CONDITIONS,
        "Mappings": {"Sizes": {"small": {"cpu": 256}}},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}},
    }
    return templates.of({"One": stack, "Two": OTHER}, "dev", region=region)


@pytest.mark.parametrize(
    ("value", "resolved"),
    [
        ({"Ref": "Size"}, 512),
        ({"Ref": "AWS::StackName"}, "One"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Partition"}, {"Ref": "Size"}]]}, "a-aws-512"),
        ({"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}, "b"),
        ({"Fn::Select": ["0", ["a", "b"]]}, "a"),
        ({"Fn::Sub": "${Size} of ${AWS::StackName}"}, "512 of One"),
        ({"Fn::Sub": ["${a}${Size}", {"a": 1}]}, "1512"),
        ({"Fn::FindInMap": ["Sizes", "small", "cpu"]}, 256),
        ({"Fn::If": ["Yes", 1, 2]}, 1),
        ({"Fn::If": ["No", 1, 2]}, 2),
        ({"Fn::If": ["Both", 1, 2]}, 2),
        ({"Fn::If": ["Either", 1, 2]}, 1),
        ([1, {"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}], [1]),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ({"Fn::GetStackOutput": {"StackName": "Two", "OutputName": "Arn"}}, "${Two|Topic}"),
        ({"Fn::ImportValue": "Two-arn"}, "${Two|Topic}"),
    ],
)
def test_what_the_templates_tell_is_resolved(value: object, resolved: object) -> None:
    assert loaded(Value=value).resources[0].get("Value") == resolved


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Open"},
        {"Ref": "Stored"},
        {"Ref": "Role"},
        {"Fn::GetAtt": ["Role", "Arn"]},
        {"Fn::GetAtt": "Role.Arn"},
        {"Ref": "AWS::Region"},
        {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        {"Fn::Sub": "${Role.Arn}"},
        {"Fn::Select": [0, {"Fn::Split": ["/", {"Ref": "Role"}]}]},
        {"Fn::Transform": {"Name": "x"}},
        "{{resolve:secretsmanager:hook}}",
    ],
)
def test_what_only_the_deployment_knows_is_open(value: object) -> None:
    assert is_open(loaded(Value=value).resources[0].get("Value"))


def test_a_region_is_known_where_the_stacks_have_one() -> None:
    assert loaded(Value={"Ref": "AWS::Region"}, region="eu-west-1").resources[0].get("Value") == "eu-west-1"


def test_a_reference_names_its_stack_and_resource() -> None:
    resource = loaded(Value={"Fn::Join": ["", ["arn:", {"Fn::GetAtt": ["Role", "Arn"]}]]}).resources[0]
    assert reference(resource.get("Value")) == ("One", "Role")


def test_a_condition_that_is_open_is_taken_to_hold_and_said() -> None:
    content = loaded(Value={"Fn::If": ["Maybe", 1, 2]})
    assert content.resources[0].get("Value") == 1
    assert content.assumptions == ("The condition Maybe of One depends on the deployment: it is taken to hold.",)


@pytest.mark.parametrize(("condition", "created"), [("Yes", True), ("No", False), ("Maybe", True)])
def test_a_resource_is_priced_if_its_condition_holds(condition: str, *, created: bool) -> None:
    dashboard = {"Type": "AWS::CloudWatch::Dashboard", "Condition": condition}
    stack = {"Parameters": PARAMETERS, "Conditions": CONDITIONS, "Resources": {"Dashboard": dashboard}}
    bill = estimated(templates.of({"One": stack}, "dev"))
    assert (bill.usd > 0) is created
    assert any("Maybe" in each for each in bill.assumptions) is (condition == "Maybe")


def test_a_number_that_is_open_is_an_assumption() -> None:
    content = parsed("dev")
    for stack in content.values():
        for each in stack["Resources"].values():
            if each["Type"] == "AWS::ECS::TaskDefinition":
                each["Properties"]["Cpu"] = {"Ref": "Open"}
    (said,) = (each for each in estimated(templates.of(content, "dev")).assumptions if each.startswith("Cpu"))
    assert re.fullmatch(
        r"Cpu of \w+ \(\S+\) of Cruddur-dev-Service is known at the deployment only: 256 is taken\.", said
    )
