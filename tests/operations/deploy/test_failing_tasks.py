"""A deploy whose tasks stop says why they stopped, live and at its end, and exits as the CDK does."""

from __future__ import annotations

import pytest

from tests.operations.deploy.conftest import ALARM, Account, template

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

REASONS = {
    "unpullable": (
        "TaskFailedToStart: CannotPullContainerError: pull image manifest has been retried 1 time(s)",
        "meaning: the image cannot be pulled: the registry has no such image or tag",
        "Check the image's name and tag",
    ),
    "crashing": (
        "EssentialContainerExited: Essential container in task exited",
        "backend-flask: exit code 1: the application failed",
        "the last lines of backend-flask:",
        "> Traceback (most recent call last):",
        '>   File "/app/service/factory.py", line 5, in <module>',
        "> ModuleNotFoundError: No module named 'flask_cors'",
        "The container's last lines above say why",
    ),
    "unhealthy": (
        "ServiceSchedulerInitiated: Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:",
        "meaning: the task ran but did not pass its health checks in time",
        "backend-flask: exit code 143",
        "> waiting for the database at db.internal:5432",
        "is unhealthy in (target-group backend) due to (reason Health checks failed with these codes: [503])",
        "Check the health check's path and port",
    ),
    "greedy": (
        "Likely cause: out of memory: the container reached its memory limit",
        "backend-flask: exit code 137: OutOfMemoryError: Container killed due to memory usage",
        "out of memory: the container reached its memory limit",
        "Raise the environment's `memory`",
    ),
    "secretless": (
        "TaskFailedToStart: ResourceInitializationError: unable to pull secrets or registry auth",
        "meaning: a secret of the task definition does not exist",
        "aws secretsmanager restore-secret",
    ),
}


@pytest.mark.parametrize("image", REASONS)
def test_why_the_tasks_of_a_new_version_stopped_is_printed(
    serving: Account, capfd: pytest.CaptureFixture[str], image: str
) -> None:
    # Each is rolled back to v1, which all these tests share.
    assert serving.deploy(*serving.apply(template(image, image))) == 1
    printed = capfd.readouterr().err
    live, _, explained = printed.partition("\nWhy the deploy of dev failed\n")
    assert [text for text in REASONS[image] if text not in explained] == []
    assert "Service (AWS::ECS::Service) UPDATE_FAILED" in explained
    assert "ECS Deployment Circuit Breaker was triggered" in explained
    assert f"version {image}: FAILED, ECS deployment circuit breaker was triggered after 3 consecutive" in explained
    assert "3 tasks, the last one " in explained
    assert "deployment failed: deployment circuit breaker was triggered." in explained
    assert "Could not be read" not in explained
    events = explained.partition("\nEvents of the service\n")[2].partition("\n\n")[0]
    assert events.index("deployment failed") < events.index("rolled back")
    # At least the first of the three was printed while the deploy went on.
    assert "ECS | " in live
    assert " stopped: " in live
    assert all(line.startswith(("ECS | ", "CloudWatch | ")) for line in live.splitlines())


def test_the_first_deploy_is_explained_although_its_service_and_log_group_are_deleted(
    account: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    assert account.deploy(*account.apply(template("v1", "crashing")), poll="0.1") == 1
    assert account.client("ecs").list_clusters()["clusterArns"] == []
    printed = capfd.readouterr().err
    assert "note: this is the first deploy of dev" in printed
    explained = printed.partition("\nWhy the deploy of dev failed\n")[2]
    assert "Service (AWS::ECS::Service) CREATE_FAILED" in explained
    assert "of version v1" in explained
    assert "> ModuleNotFoundError: No module named 'flask_cors'" in explained
    assert "The first deploy of Cruddur-dev-Service is rolled back: the next make deploy creates it anew." in explained
    assert "Could not be read" not in explained


def test_a_rollback_by_an_alarm_after_cloudformation_has_succeeded_is_a_failure(
    deployed: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    assert deployed.deploy(*deployed.apply(template("v2", "alarming"))) == 1
    output = capfd.readouterr()
    assert "UPDATE_COMPLETE" in output.out
    assert "serves version" not in output.out
    assert f"alarm {ALARM} is in ALARM: Threshold Crossed" in output.err
    explained = output.err.partition("\nECS rolled the deploy of dev back: it serves v1, not v2\n")[2]
    assert f"{ALARM} was in ALARM\n" in explained
    assert "deployment failed: alarm detected." in explained
    assert "to deploy it again changes nothing" in explained


def test_a_version_that_serves_is_named_with_its_url(deployed: Account, capfd: pytest.CaptureFixture[str]) -> None:
    assert deployed.deploy(*deployed.apply(template("v2", "fine"))) == 0
    output = capfd.readouterr()
    assert output.out.splitlines()[-1] == "dev serves version v2 at http://backend.test"
    assert "Why" not in output.err


def test_a_resource_that_cannot_be_created_is_named_with_its_reason(
    deployed: Account, capfd: pytest.CaptureFixture[str]
) -> None:
    alarm = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "ALARM("}}
    assert deployed.deploy(*deployed.apply(template("v2", "fine", Broken=alarm))) == 1
    explained = capfd.readouterr().err.partition("\nWhy the deploy of dev failed\n")[2]
    assert "Broken (AWS::CloudWatch::CompositeAlarm) " in explained
    assert "Correct what the first failed resource's reason names" in explained
    assert "Tasks that stopped" not in explained
