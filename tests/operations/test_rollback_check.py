"""Before a deploy, the person is told when a failed one would not be rolled back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from local.backing_services.emulated_aws import EmulatedAws
from operations import rollback_check
from operations.deployment import aws_session
from service.contract import Output, resource_name, service_stack_name

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

ALARMS = [resource_name("dev", name) for name in ("5xx-share", "p99")]
TEMPLATE = json.dumps(
    {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
        "Outputs": {Output.CLUSTER: {"Value": "cluster"}, Output.SERVICE: {"Value": "backend"}},
    }
)


@pytest.fixture
def account(emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> EmulatedAws:
    for name, value in emulated_aws.variables.items():
        monkeypatch.setenv(name, value)
    return emulated_aws


@pytest.fixture
def deployed(account: EmulatedAws) -> Iterator[EmulatedAws]:
    """A service whose deployments two alarms roll back."""
    session = aws_session()
    cloudformation, cloudwatch = session.client("cloudformation"), session.client("cloudwatch")
    for name in ALARMS:
        cloudwatch.put_metric_alarm(
            AlarmName=name,
            MetricName="M",
            Namespace="N",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1,
            ComparisonOperator="GreaterThanThreshold",
        )
    account.ecs.create_cluster(clusterName="cluster")
    account.ecs.register_task_definition(family="backend", containerDefinitions=[{"name": "flask", "image": "x"}])
    account.ecs.create_service(
        cluster="cluster",
        serviceName="backend",
        taskDefinition="backend",
        desiredCount=0,
        deploymentConfiguration={"alarms": {"alarmNames": ALARMS, "enable": True, "rollback": True}},
    )
    cloudformation.create_stack(StackName=service_stack_name("dev"), TemplateBody=TEMPLATE)
    yield account
    cloudformation.delete_stack(StackName=service_stack_name("dev"))
    account.ecs.delete_service(cluster="cluster", service="backend", force=True)
    cloudwatch.delete_alarms(AlarmNames=ALARMS)


def check(capsys: pytest.CaptureFixture[str]) -> str:
    assert rollback_check.main(["--environment", "dev"]) == 0
    return capsys.readouterr().err


@pytest.mark.usefixtures("account")
def test_of_a_first_deploy_it_says_that_there_is_nothing_to_roll_back_to(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys) == "note: this is the first deploy of dev: ECS has none to roll it back to\n"


@pytest.mark.usefixtures("deployed")
def test_an_alarm_that_is_in_alarm_already_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert check(capsys) == ""
    aws_session().client("cloudwatch").set_alarm_state(AlarmName=ALARMS[1], StateValue="ALARM", StateReason="a test")
    printed = check(capsys)
    assert f"the alarm {ALARMS[1]} is in ALARM: ECS ignores it during this deploy" in printed
    assert ALARMS[0] not in printed


def test_without_an_account_it_says_nothing_because_the_deploy_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert check(capsys) == ""


@pytest.mark.usefixtures("account")
def test_a_stack_whose_first_deploy_failed_stops_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    client = aws_session().client("cloudformation")
    client.create_stack(
        StackName=service_stack_name("dev"), TemplateBody='{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    )
    try:
        assert check(capsys) == ""
    finally:
        client.delete_stack(StackName=service_stack_name("dev"))
