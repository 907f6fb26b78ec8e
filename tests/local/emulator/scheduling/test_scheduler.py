"""Services of the emulated Amazon ECS whose tasks an agent runs: rolling updates, rollbacks, replacements, scaling."""

from __future__ import annotations

import time

import pytest

from tests.local.emulator.scheduling.conftest import DEPLOYMENTS, PORT, Service, address_of, tell, wait_until

BAKE_SECONDS = 6
"""More than the five minutes, of a second each, that the alarm evaluates."""
WATCHED = {**DEPLOYMENTS, "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}


def put_alarm(service: Service, state: str) -> None:
    cloudwatch = service.aws.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors", MetricName="Errors", Namespace="Shop", Statistic="Sum", Period=60, EvaluationPeriods=5,
        Threshold=0, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
    )  # fmt: skip
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="test")


def test_a_new_service_is_stable_once_its_tasks_are_healthy_targets(service: Service) -> None:
    revision = service.register()
    service.create(revision)

    assert service.rollout_state() == "IN_PROGRESS"
    service.await_stable(revision)
    assert {task["healthStatus"] for task in service.tasks()} == {"HEALTHY"}
    assert {task["containers"][0]["lastStatus"] for task in service.tasks()} == {"RUNNING"}


def test_a_new_revision_replaces_the_old_tasks_of_which_the_minimum_serves_meanwhile(service: Service) -> None:
    old, new = service.register(), service.register()
    service.create(old)
    service.await_stable(old)
    service.update(taskDefinition=new)

    def still_serves() -> bool:
        tasks = service.tasks()
        assert 2 <= len(tasks) <= 4
        assert list(service.targets().values()).count("healthy") >= 2
        return service.is_stable(new, 2)

    wait_until(still_serves, service.state)
    [deployment] = service.describe()["deployments"]
    reason = f"Scaling activity initiated by (deployment {deployment['id']})"
    assert [task["stoppedReason"] for task in service.tasks("STOPPED")] == [reason] * 2


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"FAIL": "TaskFailedToStart"}, "the fake agent was told to fail: TaskFailedToStart"),
        ({"FAIL": "EssentialContainerExited"}, "the fake agent was told to fail: EssentialContainerExited"),
        ({"HEALTH": "UNHEALTHY"}, "Task failed container health checks"),
        ({"STATUS": "500"}, "Task failed ELB health checks in (target-group "),
    ],
    ids=["does-not-start", "exits", "container-unhealthy", "target-unhealthy"],
)
def test_a_revision_whose_tasks_fail_is_rolled_back_by_the_circuit_breaker(
    service: Service, variables: dict[str, str], reason: str
) -> None:
    old, new = service.register(), service.register(variables)
    service.create(old)
    service.await_stable(old)
    before = {task["taskArn"] for task in service.tasks()}
    service.update(taskDefinition=new)

    wait_until(lambda: "FAILED" in service.state(), service.state)
    service.await_stable(old)

    assert {task["taskArn"] for task in service.tasks()} == before, "a task of the old revision was replaced"
    description = service.describe()
    failed = [each for each in description["deployments"] if each["rolloutState"] == "FAILED"]
    assert [each["taskDefinition"] for each in failed] == [new]
    assert failed[0]["failedTasks"] >= 3
    messages = [event["message"] for event in description["events"]]
    assert any("deployment failed: tasks failed to start." in each for each in messages)
    assert any("rolling back to deployment ecs-svc/" in each for each in messages)
    reasons = [task["stoppedReason"] for task in service.tasks("STOPPED")] + messages
    assert any(reason in each for each in reasons)


def test_a_first_deployment_that_fails_starts_no_more_tasks(service: Service) -> None:
    service.create(service.register({"FAIL": "TaskFailedToStart"}))

    wait_until(lambda: service.rollout_state() == "FAILED", service.state)
    stopped = len(service.tasks("STOPPED"))
    wait_until(lambda: not service.tasks(), service.state)
    assert 3 <= stopped <= 6
    assert len(service.tasks("STOPPED")) == stopped


def test_an_unhealthy_task_is_stopped_once_its_replacement_is_healthy(service: Service) -> None:
    revision = service.register()
    service.create(revision)
    service.await_stable(revision)
    sick = service.tasks()[0]
    tell(sick, "/health", "UNHEALTHY")

    def is_replaced() -> bool:
        tasks = {task["taskArn"] for task in service.tasks()}
        assert sick["taskArn"] in tasks or list(service.targets().values()).count("healthy") >= 2
        return sick["taskArn"] not in tasks

    wait_until(is_replaced, service.state)
    service.await_stable(revision)


def test_a_task_whose_essential_container_exits_is_replaced(service: Service) -> None:
    revision = service.register()
    service.create(revision)
    service.await_stable(revision)
    ended = service.tasks()[0]
    tell(ended, "/exit", "")

    wait_until(lambda: ended["taskArn"] not in {task["taskArn"] for task in service.tasks()}, service.state)
    service.await_stable(revision)
    wait_until(lambda: [task["lastStatus"] for task in service.tasks("STOPPED")] == ["STOPPED"], service.state)
    [stopped] = service.tasks("STOPPED")
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 0)


def test_a_task_that_is_stopped_by_hand_is_replaced_and_drained(service: Service) -> None:
    revision = service.register()
    service.create(revision)
    service.await_stable(revision)
    task = service.tasks()[0]
    service.ecs.stop_task(cluster="shop", task=task["taskArn"])

    wait_until(lambda: service.targets().get(address_of(task)) == "draining", service.state)
    service.await_stable(revision)


def test_the_desired_count_is_followed_up_and_down_to_zero(service: Service) -> None:
    revision = service.register(health_check=False)
    service.create(revision, desired=1)
    service.await_stable(revision, 1)
    for count in (4, 2, 0, 1):
        service.update(desiredCount=count)
        service.await_stable(revision, count)


def test_a_grace_period_spares_a_task_that_is_unhealthy_at_first(service: Service) -> None:
    revision = service.register({"HEALTH": "UNHEALTHY"})
    service.create(revision, desired=1, healthCheckGracePeriodSeconds=60)
    wait_until(lambda: [task["lastStatus"] for task in service.tasks()] == ["RUNNING"], service.state)
    tell(service.tasks()[0], "/health", "HEALTHY")

    service.await_stable(revision, 1)
    assert service.tasks("STOPPED") == []


def test_an_alarm_that_fires_during_a_deployment_rolls_it_back(service: Service) -> None:
    put_alarm(service, "OK")
    old, new = service.register(), service.register()
    service.create(old, deploymentConfiguration=WATCHED)
    service.await_stable(old)
    time.sleep(BAKE_SECONDS)
    service.update(taskDefinition=new)
    service.await_stable(new)
    put_alarm(service, "ALARM")

    wait_until(lambda: service.describe()["taskDefinition"] == old, service.state)
    service.await_stable(old)
    messages = [event["message"] for event in service.describe()["events"]]
    assert any("deployment failed: alarm detected" in each for each in messages)
    assert any("rolling back to deployment ecs-svc/" in each for each in messages)


def test_the_alarm_that_rolls_a_deployment_back_does_not_fail_the_one_that_it_is_rolled_back_to(
    service: Service,
) -> None:
    put_alarm(service, "OK")
    old, new = service.register(), service.register({"HEALTH": "UNKNOWN"})
    service.create(old, deploymentConfiguration=WATCHED)
    service.await_stable(old)
    service.update(taskDefinition=new)
    wait_until(lambda: len(service.tasks()) == 4, service.state)
    put_alarm(service, "ALARM")

    wait_until(lambda: service.describe()["taskDefinition"] == old, service.state)
    service.await_stable(old)
    ended = service.tasks()[0]
    tell(ended, "/exit", "")
    wait_until(lambda: ended["taskArn"] not in {task["taskArn"] for task in service.tasks()}, service.state)
    service.await_stable(old)


def test_an_alarm_that_fires_already_when_a_deployment_begins_does_not_fail_it(service: Service) -> None:
    put_alarm(service, "ALARM")
    old, new = service.register(), service.register()
    service.create(old, deploymentConfiguration=WATCHED)
    service.await_stable(old)
    service.update(taskDefinition=new)

    service.await_stable(new)
    assert "alarm detected" not in service.state()


def test_a_deleted_service_leaves_no_task_and_no_target(service: Service) -> None:
    revision = service.register()
    service.create(revision)
    service.await_stable(revision)
    service.ecs.delete_service(cluster="shop", service="shop", force=True)

    wait_until(lambda: not service.tasks() and not service.targets(), service.state)
    assert {task["lastStatus"] for task in service.tasks("STOPPED")} <= {"DEACTIVATING", "STOPPED"}
    service.create(revision)
    service.await_stable(revision)


def test_the_port_of_a_target_is_the_containers(service: Service) -> None:
    revision = service.register()
    service.create(revision)
    service.await_stable(revision)
    health = service.elbv2.describe_target_health(TargetGroupArn=service.group)["TargetHealthDescriptions"]

    assert {each["Target"]["Port"] for each in health} == {PORT}
