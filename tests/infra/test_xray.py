"""The JSON files are valid input for the AWS CLI and use the contract's names."""

import json
from typing import cast

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel, StructureShape
from botocore.validate import ParamValidator

from flask_onetrace.parsing import sampling_rule
from infra.xray import GROUPS, load
from tests.sample import CRUDDUR, TUTORIAL


def problems(file: str, operation: str) -> str:
    model = ServiceModel(Loader().load_service_model("xray", "service-2"))
    shape = cast("StructureShape", model.operation_model(operation).input_shape)
    report: str = ParamValidator().validate(load(file), shape).generate_report()
    return report


@pytest.mark.parametrize(
    ("file", "operation"),
    [
        ("xray", "CreateSamplingRule"),
        ("xray-health-checks", "CreateSamplingRule"),
        *((group, "CreateGroup") for group in GROUPS),
    ],
)
def test_each_file_is_valid_input_for_its_cli_command(file: str, operation: str) -> None:
    assert problems(file, operation) == ""


def test_a_file_for_another_command_is_invalid() -> None:
    assert 'Missing required parameter in input: "GroupName"' in problems("xray", "CreateGroup")


def test_the_sampling_rule_is_the_apps_and_matches_the_services_segments() -> None:
    rule = load("xray")["SamplingRule"]
    assert (rule["RuleName"], rule["ServiceName"]) == (CRUDDUR.name, CRUDDUR.service_name)


def test_health_checks_have_a_rule_of_their_own_that_samples_none_and_comes_first() -> None:
    rule = load("xray-health-checks")["SamplingRule"]
    assert (rule["RuleName"], rule["ServiceName"]) == (f"{CRUDDUR.name}-Health", CRUDDUR.service_name)
    assert rule["URLPath"] == CRUDDUR.health_check_path
    assert (rule["FixedRate"], rule["ReservoirSize"]) == (0, 0)
    assert rule["Priority"] < load("xray")["SamplingRule"]["Priority"]


def test_the_service_parses_the_sampling_rule_as_its_local_fallback() -> None:
    rule = load("xray")["SamplingRule"]
    parsed = sampling_rule(json.dumps(load("xray")))
    assert (parsed.name, parsed.fixed_rate, parsed.reservoir_size) == (
        rule["RuleName"],
        rule["FixedRate"],
        rule["ReservoirSize"],
    )


def test_there_are_groups_of_all_traces_of_faults_and_of_slow_requests() -> None:
    filters = {group["GroupName"]: group["FilterExpression"] for group in map(load, GROUPS)}
    assert filters == {
        CRUDDUR.name: TUTORIAL.xray_filter,
        f"{CRUDDUR.name}-Faults": f"{TUTORIAL.xray_filter} AND fault",
        f"{CRUDDUR.name}-Slow": f"{TUTORIAL.xray_filter} AND responsetime > 1",
    }


@pytest.mark.parametrize("file", GROUPS)
def test_insights_are_enabled_for_each_group(file: str) -> None:
    assert load(file)["InsightsConfiguration"]["InsightsEnabled"] is True
