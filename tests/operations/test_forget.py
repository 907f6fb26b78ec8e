"""`make forget` deletes what an environment leaves when its stacks are gone, after the person has named it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from flask_onetrace.contract import SecretName
from infra.environments import PROD
from local.backing_services.emulated_aws import EmulatedAws
from operations import forget
from operations.deployment import aws_session
from tests.sample import names_of

LOG_GROUP = names_of(PROD.name).log_group

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

INSIGHTS = f"/aws/ecs/containerinsights/{names_of('prod').service_stack}-BackendCluster1A2B/performance"
OTHERS = f"/aws/ecs/containerinsights/{names_of('production').service_stack}-Cluster/performance"
ACCESS_LOGS = "cruddur-prod-alb-logs-000000000000-us-east-1"
OTHER_BUCKET = "cruddur-production-alb-logs-000000000000-us-east-1"
TEMPLATE = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


@pytest.fixture
def leftovers(emulated_aws: EmulatedAws, monkeypatch: pytest.MonkeyPatch) -> Iterator[EmulatedAws]:
    """An account in which `prod` was deployed and destroyed, and a secret is already scheduled to be deleted."""
    for name, value in emulated_aws.variables.items():
        monkeypatch.setenv(name, value)
    for secret in SecretName:
        emulated_aws.secrets.create_secret(Name=names_of("prod").secret(secret), SecretString="a-key")
        emulated_aws.secrets.create_secret(Name=names_of("other").secret(secret), SecretString="a-key")
    emulated_aws.secrets.delete_secret(SecretId=names_of("prod").secret(SecretName.ROLLBAR_ACCESS_TOKEN))
    for group in (LOG_GROUP, f"{LOG_GROUP}-2", INSIGHTS, OTHERS):
        emulated_aws.logs.create_log_group(logGroupName=group)
    for bucket in (ACCESS_LOGS, OTHER_BUCKET):
        s3().create_bucket(Bucket=bucket)
        s3().put_object(Bucket=bucket, Key="AWSLogs/a.log.gz", Body=b"GET /")
    yield emulated_aws
    for bucket in buckets():
        s3().delete_object(Bucket=bucket, Key="AWSLogs/a.log.gz")
        s3().delete_bucket(Bucket=bucket)
    for name in secrets(emulated_aws):
        emulated_aws.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    for group in groups(emulated_aws):
        emulated_aws.logs.delete_log_group(logGroupName=group)


def s3() -> Any:  # noqa: ANN401 - a client whose stubs are not installed
    return aws_session().client("s3")


def buckets() -> set[str]:
    return {each["Name"] for each in s3().list_buckets()["Buckets"]}


def groups(aws: EmulatedAws) -> set[str]:
    return {each["logGroupName"] for each in aws.logs.describe_log_groups()["logGroups"]}


def secrets(aws: EmulatedAws) -> set[str]:
    return {each["Name"] for each in aws.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]}


@contextmanager
def deployed(stack: str) -> Iterator[None]:
    client = aws_session().client("cloudformation")
    client.create_stack(StackName=stack, TemplateBody=TEMPLATE)
    try:
        yield
    finally:
        client.delete_stack(StackName=stack)


def run(answer: str, monkeypatch: pytest.MonkeyPatch, environment: str = "prod") -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))
    return forget.main(["--environment", environment])


def test_the_environments_secrets_and_log_groups_are_deleted_and_no_others(
    leftovers: EmulatedAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("prod", monkeypatch) == 0
    assert secrets(leftovers) == {names_of("other").secret(secret) for secret in SecretName}
    assert groups(leftovers) == {f"{LOG_GROUP}-2", OTHERS}
    assert buckets() == {OTHER_BUCKET}
    printed = capsys.readouterr().out
    assert "Left of prod in account 000000000000, region " in printed
    assert all(
        name in printed
        for name in (LOG_GROUP, INSIGHTS, ACCESS_LOGS, names_of("prod").secret(SecretName.HONEYCOMB_API_KEY))
    )
    assert "CDKToolkit" in printed
    # The names are free: the next deployment can create them.
    leftovers.secrets.create_secret(Name=names_of("prod").secret(SecretName.ROLLBAR_ACCESS_TOKEN), SecretString="new")
    assert run("prod", monkeypatch) == 0
    assert run("", monkeypatch) == 0
    assert "Nothing is left of prod." in capsys.readouterr().out


def test_without_the_environments_name_nothing_is_deleted(
    leftovers: EmulatedAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = secrets(leftovers), groups(leftovers)
    assert run("yes", monkeypatch) == 1
    assert (secrets(leftovers), groups(leftovers)) == before
    assert "Nothing is deleted" in capsys.readouterr().err


@pytest.mark.parametrize("stack", [names_of("prod").observability_stack, names_of("prod").service_stack])
def test_an_environment_that_is_deployed_is_not_forgotten(
    leftovers: EmulatedAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: str
) -> None:
    before = secrets(leftovers), groups(leftovers)
    with deployed(stack):
        assert run("prod", monkeypatch) == 1
    assert (secrets(leftovers), groups(leftovers)) == before
    assert f"The stack {stack} still exists\nRun `make destroy ENV=prod` first" in capsys.readouterr().err


def test_what_production_has_left_is_not_deleted_with_another_environment(
    leftovers: EmulatedAws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = secrets(leftovers), groups(leftovers)
    assert run("dev", monkeypatch, "dev") == 0
    assert (secrets(leftovers), groups(leftovers)) == before
    assert "Nothing is left of dev." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["prdo", "", "Prod"])
def test_a_name_that_is_no_environment_is_refused(
    leftovers: EmulatedAws, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before = secrets(leftovers), groups(leftovers)
    with pytest.raises(SystemExit, match="2"):
        run(name, monkeypatch, name)
    assert (secrets(leftovers), groups(leftovers)) == before
