from __future__ import annotations

import time

import pytest
import requests
from botocore.exceptions import ClientError

from tests.local.emulator.conftest import Aws, Client, Template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

FILTER = 'service("Backend-Flask")'
RULE: Template = {
    "RuleName": "Cruddur",
    "ResourceARN": "*",
    "Priority": 9000,
    "FixedRate": 0.1,
    "ReservoirSize": 5,
    "ServiceName": "Backend-Flask",
    "ServiceType": "*",
    "Host": "*",
    "HTTPMethod": "*",
    "URLPath": "*",
    "Version": 1,
}


def resources(expression: str = FILTER, **rule: object) -> Template:
    group = {
        "GroupName": "Cruddur",
        "FilterExpression": expression,
        "InsightsConfiguration": {"InsightsEnabled": True, "NotificationsEnabled": False},
    }
    return {
        "Group": {"Type": "AWS::XRay::Group", "Properties": group},
        "Rule": {"Type": "AWS::XRay::SamplingRule", "Properties": {"SamplingRule": {**RULE, **rule}}},
    }


def rules(xray: Client) -> list[Template]:
    return [record["SamplingRule"] for record in xray.get_sampling_rules()["SamplingRuleRecords"]]


def test_a_group_and_a_sampling_rule_are_managed_by_a_stack(aws: Aws) -> None:
    xray = aws.client("xray")
    stack = aws.stack(resources(), Group={"Fn::GetAtt": ["Group", "GroupARN"]}, Rule={"Ref": "Rule"})
    group_arn = stack.physical_id("Group")
    assert stack.outputs()["Group"] == group_arn

    stack.update(resources(FILTER + " { fault }", FixedRate=0.5))

    [group] = xray.get_groups()["Groups"]
    assert (group["GroupName"], group["GroupARN"]) == ("Cruddur", group_arn)
    assert group["FilterExpression"] == FILTER + " { fault }"
    assert group["InsightsConfiguration"] == {"InsightsEnabled": True, "NotificationsEnabled": False}
    assert rules(xray)[0] == {**RULE, "FixedRate": 0.5, "RuleARN": stack.physical_id("Rule"), "Attributes": {}}

    stack.delete()
    assert xray.get_groups()["Groups"] == []
    assert [rule["RuleName"] for rule in rules(xray)] == ["Default"]


def test_an_unsupported_filter_expression_fails_the_stack_with_the_reason(aws: Aws) -> None:
    with pytest.raises(AssertionError, match="coverage"):
        aws.stack(resources("coverage > 3"))


def test_a_failed_update_is_rolled_back_with_the_reason(aws: Aws) -> None:
    xray = aws.client("xray")
    stack = aws.stack(resources())
    failing = resources("coverage > 3", FixedRate=0.5)
    failing["Group"]["DependsOn"] = "Rule"

    reasons = stack.fail_to_update(failing)

    assert any("coverage" in reason for reason in reasons)
    assert xray.get_groups()["Groups"][0]["FilterExpression"] == FILTER
    assert rules(xray)[0]["FixedRate"] == 0.1


def test_the_default_rule_is_listed_last_with_the_values_of_aws(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.create_sampling_rule(SamplingRule=RULE)

    assert [rule["RuleName"] for rule in rules(xray)] == ["Cruddur", "Default"]
    default = rules(xray)[-1]
    assert (default["FixedRate"], default["ReservoirSize"], default["Priority"]) == (0.05, 1, 10000)


def test_a_sampling_rule_is_updated_in_part_and_deleted_by_the_api(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.create_sampling_rule(SamplingRule=RULE)

    xray.update_sampling_rule(SamplingRuleUpdate={"RuleName": "Cruddur", "ReservoirSize": 7})
    assert rules(xray)[0] == {**rules(xray)[0], "ReservoirSize": 7, "FixedRate": 0.1}

    xray.delete_sampling_rule(RuleName="Cruddur")
    assert [rule["RuleName"] for rule in rules(xray)] == ["Default"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"FixedRate": 1.5}, "FixedRate 1.5"),
        ({"Priority": 10000}, "Priority 10000"),
        ({"Version": 2}, "Version 2"),
        ({"RuleName": "Default"}, "Default exists already"),
    ],
)
def test_an_invalid_rule_is_an_error_that_names_the_field(aws: Aws, change: Template, message: str) -> None:
    xray = aws.client("xray")

    with pytest.raises(xray.exceptions.InvalidRequestException, match=message):
        xray.create_sampling_rule(SamplingRule={**RULE, **change})


def test_the_default_rule_cannot_be_deleted(aws: Aws) -> None:
    with pytest.raises(ClientError, match="cannot be deleted"):
        aws.client("xray").delete_sampling_rule(RuleName="Default")


def statistics(name: str) -> Template:
    return {
        "RuleName": name,
        "ClientID": "0123456789abcdef01234567",
        "Timestamp": 1_700_000_000,
        "RequestCount": 10,
        "SampledCount": 2,
        "BorrowCount": 0,
    }


def test_targets_have_the_rate_and_reservoir_of_each_rule(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.create_sampling_rule(SamplingRule=RULE)

    response = xray.get_sampling_targets(SamplingStatisticsDocuments=[statistics("Cruddur"), statistics("Gone")])

    [target] = response["SamplingTargetDocuments"]
    assert (target["RuleName"], target["FixedRate"], target["ReservoirQuota"]) == ("Cruddur", 0.1, 5)
    assert target["ReservoirQuotaTTL"] > response["LastRuleModification"]
    assert [(each["RuleName"], each["ErrorCode"]) for each in response["UnprocessedStatistics"]] == [
        ("Gone", "InvalidRule")
    ]


def test_clients_are_told_of_a_rule_that_is_deleted(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.create_sampling_rule(SamplingRule=RULE)
    before = xray.get_sampling_targets(SamplingStatisticsDocuments=[])["LastRuleModification"]
    time.sleep(1)  # botocore's times have whole seconds

    xray.delete_sampling_rule(RuleName="Cruddur")

    after = xray.get_sampling_targets(SamplingStatisticsDocuments=[])["LastRuleModification"]
    assert after > before


def test_the_counts_of_all_clients_are_summarized_by_rule_and_window(aws: Aws) -> None:
    xray = aws.client("xray")
    xray.create_sampling_rule(SamplingRule=RULE)
    before = int(time.time())

    for _ in range(2):
        xray.get_sampling_targets(SamplingStatisticsDocuments=[statistics("Cruddur"), statistics("Gone")])

    pages = xray.get_paginator("get_sampling_statistic_summaries").paginate()
    summaries = list(pages.search("SamplingStatisticSummaries[]"))
    assert {each["RuleName"] for each in summaries} == {"Cruddur"}
    for name, total in {"RequestCount": 20, "SampledCount": 4, "BorrowCount": 0}.items():
        assert sum(each[name] for each in summaries) == total
    assert all(before - 10 <= each["Timestamp"].timestamp() <= time.time() for each in summaries)


@pytest.mark.parametrize("count", [-1, "3", None, 1.5])
def test_statistics_that_are_no_counts_are_unprocessed(endpoint: str, count: object) -> None:
    documents = [{**statistics("Default"), "SampledCount": count}]

    response = post(f"{endpoint}/SamplingTargets", {"SamplingStatisticsDocuments": documents})

    assert [each["RuleName"] for each in response["UnprocessedStatistics"]] == ["Default"]
    assert response["SamplingTargetDocuments"] == []


def post(url: str, body: Template) -> Template:
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(url, json=body, timeout=60)
    assert response.status_code == 200
    document: Template = response.json()
    return document


def test_unsigned_sampling_requests_are_accepted(endpoint: str) -> None:
    records = post(f"{endpoint}/GetSamplingRules", {})["SamplingRuleRecords"]
    targets = post(f"{endpoint}/SamplingTargets", {"SamplingStatisticsDocuments": [statistics("Default")]})

    assert records[-1]["SamplingRule"]["RuleName"] == "Default"
    assert [target["RuleName"] for target in targets["SamplingTargetDocuments"]] == ["Default"]


def test_groups_are_created_updated_and_deleted_by_the_api(aws: Aws) -> None:
    xray = aws.client("xray")
    created = xray.create_group(GroupName="mine", FilterExpression="fault")["Group"]
    xray.update_group(GroupARN=created["GroupARN"], FilterExpression="error")

    assert xray.get_group(GroupName="mine")["Group"] == {**created, "FilterExpression": "error"}
    with pytest.raises(xray.exceptions.InvalidRequestException, match="exists already"):
        xray.create_group(GroupName="mine")
    xray.delete_group(GroupName="mine")
    with pytest.raises(xray.exceptions.InvalidRequestException, match="does not exist"):
        xray.get_group(GroupName="mine")


def test_an_unsupported_xray_operation_is_an_error(aws: Aws) -> None:
    with pytest.raises(ClientError, match="EncryptionConfig is not emulated"):
        aws.client("xray").get_encryption_config()
