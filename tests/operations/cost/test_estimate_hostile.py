"""A malformed template is priced or an error with a remedy, never a traceback."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from operations.cost import templates
from operations.cost.line_items import Estimate
from operations.errors import OperatorError
from tests.operations.cost.stacks import OBSERVABILITY, SERVICE, Json, estimated, of, parsed, resources

HOSTILE: Final[dict[str, Callable[[Json], object]]] = {
    "no properties of a service": lambda c: resources(c, "AWS::ECS::Service")[0].pop("Properties"),
    "no properties of anything": lambda c: [
        e.pop("Properties", 0) for s in c.values() for e in s["Resources"].values()
    ],
    "a text for a number": lambda c: resources(c, "AWS::ECS::TaskDefinition")[0]["Properties"].update(Cpu="many"),
    "not a number": lambda c: resources(c, "AWS::ECS::TaskDefinition")[0]["Properties"].update(Memory=float("nan")),
    "a negative number": lambda c: resources(c, "AWS::Logs::LogGroup")[0]["Properties"].update(RetentionInDays=-1),
    "a list for a number": lambda c: resources(c, "AWS::ECS::Service")[0]["Properties"].update(DesiredCount=[1]),
    "no CPU at all": lambda c: resources(c, "AWS::ECS::TaskDefinition")[0]["Properties"].update(Cpu=0),
    "a text for a list": lambda c: resources(c, "AWS::CloudWatch::Alarm")[0]["Properties"].update(Metrics="all"),
    "a text for properties": lambda c: resources(c, "AWS::EC2::VPC")[0].update(Properties="10.0.0.0/16"),
    "a text for a rule": lambda c: resources(c, "AWS::XRay::SamplingRule")[0]["Properties"].update(SamplingRule="all"),
    "a resource that is a list": lambda c: c[SERVICE]["Resources"].update(Odd=[]),
    "a resource without a type": lambda c: c[SERVICE]["Resources"].update(Odd={"Properties": {}}),
    "resources that are a list": lambda c: c[SERVICE].update(Resources=[]),
    "a condition of itself": lambda c: (
        c[SERVICE].update(Conditions={"Loop": {"Condition": "Loop"}}),
        resources(c, "AWS::EC2::VPC")[0].update(Condition="Loop"),
    ),
    "a container that is a text": lambda c: resources(c, "AWS::ECS::TaskDefinition")[0]["Properties"].update(
        ContainerDefinitions=["flask"]
    ),
    "functions without arguments": lambda c: resources(c, "AWS::ECS::Service")[0]["Properties"].update(
        DesiredCount={"Fn::If": []}, Cluster={"Fn::GetAtt": None}, ServiceName={"Fn::Join": 3}
    ),
    "a service on EC2": lambda c: resources(c, "AWS::ECS::Service")[0]["Properties"].update(LaunchType="EC2"),
    "capacity of one's own": lambda c: resources(c, "AWS::ECS::Service")[0]["Properties"].update(
        CapacityProviderStrategy=[{"CapacityProvider": "instances", "Weight": 1}]
    ),
    "a load balancer of another type": lambda c: resources(c, "AWS::ElasticLoadBalancingV2::LoadBalancer")[0][
        "Properties"
    ].update(Type="network"),
    "an output of itself": lambda c: c[OBSERVABILITY].update(
        Outputs={
            each: {"Value": {"Fn::GetStackOutput": {"StackName": OBSERVABILITY, "OutputName": each}}}
            for each in c[OBSERVABILITY]["Outputs"]
        }
    ),
}


@pytest.mark.parametrize(
    ("minimum", "maximum", "expected"),
    [
        (9, 2, "at most its MaxCapacity of 2"),
        (" 4 ", 5, "a number"),
        ("\u0663", 5, "a number"),
        (1.5, 2, "a whole number"),
        (1, 1e300, "a number from 0 to"),
    ],
)
def test_numbers_of_tasks_that_are_none_are_refused(minimum: object, maximum: object, expected: str) -> None:
    content = parsed("dev")
    (target,) = resources(content, "AWS::ApplicationAutoScaling::ScalableTarget")
    target["Properties"] |= {"MinCapacity": minimum, "MaxCapacity": maximum}
    with pytest.raises(OperatorError, match=expected):
        estimated(of(content))


def test_properties_that_a_macro_makes_are_named_with_what_to_give() -> None:
    content = parsed("dev")
    resources(content, "AWS::ECS::Cluster")[0]["Properties"] = {"Fn::Transform": {"Name": "AWS::Include"}}
    with pytest.raises(OperatorError, match=r"expanded by CloudFormation only.*ASSEMBLY"):
        of(content)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_is_priced_or_an_error_of_the_operators(name: str) -> None:
    content = parsed("dev")
    HOSTILE[name](content)
    try:
        bill: Estimate | None = estimated(of(content), 10)
    except OperatorError as error:
        assert error.problem  # noqa: PT017 - either is right, a traceback is not
        assert error.remedy  # noqa: PT017
    else:
        assert bill is not None
        assert bill.usd >= 0


def test_10000_nat_gateways_are_priced_in_time() -> None:
    content = parsed("prod")
    content["Cruddur-prod-Service"]["Resources"] |= {
        f"Gateway{number}": {"Type": "AWS::EC2::NatGateway", "Properties": {}} for number in range(10_000)
    }
    bill = estimated(templates.of(content, "prod"), 10)
    assert sum(each.usd for each in bill.items if each.name == "NAT gateway hours") > 300_000


def test_10000_resources_are_priced_in_time() -> None:
    content = parsed("dev")
    content[SERVICE]["Resources"] |= {
        f"Alarm{number}": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
        for number in range(10_000)
    }
    assert Counter(each.name for each in estimated(of(content)).items)["Alarm metrics"] > 10_000


@pytest.mark.parametrize("text", ["", "{", "[]", '{"artifacts": []}', '{"artifacts": {}}', "[" * 100_000])
def test_a_manifest_that_is_none_is_an_error_of_the_operators(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(OperatorError):
        templates.load(tmp_path)


def test_a_folder_without_an_assembly_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=re.escape(f"{tmp_path / 'manifest.json'}")):
        templates.load(tmp_path)


def test_a_template_that_is_missing_is_named(tmp_path: Path) -> None:
    stack = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "gone.json"}}
    (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": {"One": stack}}), encoding="utf-8")
    with pytest.raises(OperatorError, match=re.escape("gone.json")):
        templates.load(tmp_path)


JUNK: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "text",
    "NaN",
    "${",
    "9" * 400,
    [],
    [[]],
    [None],
    ["text"],
    {},
    {"": None},
    {"Ref": None},
    {"Ref": "AWS::NoValue"},
    {"Ref": "Nowhere"},
    {"Fn::If": ["Nowhere", 1, 2]},
    {"Fn::If": 3},
    {"Fn::Join": ["", [1, {}]]},
    {"Fn::Select": ["x", ["a"]]},
    {"Fn::Select": [9, {"Fn::Split": ["", "a"]}]},
    {"Fn::Sub": "${A}${!B}${C.D}${"},
    {"Fn::Sub": ["${A}", {"A": {"Ref": "AWS::Region"}}]},
    {"Fn::GetAtt": "A"},
    {"Fn::GetAtt": []},
    {"Fn::FindInMap": ["A", "B", "C"]},
    {"Fn::ImportValue": {}},
    {"Fn::GetStackOutput": {}},
    {"Fn::Unknown": [1]},
    {"Condition": {}},
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - JSON
    """Yield each container of a document with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", ["dev", "key", "notified"])
def test_no_value_of_a_template_is_a_crash(name: str, seed: int) -> None:
    """Ten times ten places of both templates are junk: it is priced, or an error with a remedy."""
    chosen = random.Random(f"{name} {seed}")
    for _ in range(10):
        content = parsed(name)
        for container, key in chosen.sample(list(places(content)), 10):
            container[key] = chosen.choice(JUNK)
        try:
            bill: Estimate = estimated(templates.of(content, name), 10)
        except OperatorError as error:
            assert error.remedy  # noqa: PT017 - either is right, a traceback is not
        else:
            assert bill.usd >= 0
