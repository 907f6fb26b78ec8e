"""A task definition is read with Amazon ECS's defaults, and becomes the engine's options."""

from __future__ import annotations

import pytest

from local.containers.container import health_check_of, options_of
from local.containers.definition import HealthCheck, Mount, RestartPolicy, parse
from tests.local.containers.definitions import container, task

GIB = 1 << 30
MIB = 1 << 20


def test_the_defaults_are_those_of_amazon_ecs() -> None:
    [app] = parse(task()).containers
    assert (app.essential, app.stop_timeout, app.start_timeout, app.cpu) == (True, 30, 180, 0)
    assert (app.health_check, app.restart_policy, app.log_options, app.memory) == (None, None, None, None)
    assert parse(task()).architecture == "X86_64"


@pytest.mark.parametrize(("given", "expected"), [(5, 5), (120, 120), (600, 120), ("45", 45)])
def test_a_stop_timeout_is_at_most_two_minutes(given: object, expected: int) -> None:
    [app] = parse(task(container(stopTimeout=given))).containers
    assert app.stop_timeout == expected


def test_a_health_check_has_amazon_ecs_defaults_and_the_engines_nanoseconds() -> None:
    [app] = parse(task(container(healthCheck={"command": ["CMD", "true"], "startPeriod": 60}))).containers
    assert app.health_check == HealthCheck(test=["CMD", "true"], interval=30, timeout=5, retries=3, start_period=60)
    assert health_check_of(app) == {
        "test": ["CMD", "true"],
        "interval": 30 * 10**9,
        "timeout": 5 * 10**9,
        "retries": 3,
        "start_period": 60 * 10**9,
    }


def test_a_health_check_without_a_start_period_does_not_get_the_images() -> None:
    check = {"command": ["CMD", "true"], "startPeriod": 0}
    for health_check in (check, {"command": ["CMD", "true"]}):
        [app] = parse(task(container(healthCheck=health_check))).containers
        options = health_check_of(app)
        # To the engine, 0 is the image's own, and it refuses less than a millisecond.
        assert options is not None
        assert options["start_period"] == 10**6


def test_the_health_check_of_an_image_does_not_run_as_on_amazon_ecs() -> None:
    [app] = parse(task()).containers
    assert health_check_of(app) == {"test": ["NONE"]}


def test_a_restart_policy_needs_to_be_enabled_and_waits_for_five_minutes() -> None:
    disabled, enabled = parse(
        task(container(restartPolicy={"enabled": False}), container(name="b", restartPolicy={"enabled": True}))
    ).containers
    assert disabled.restart_policy is None
    assert enabled.restart_policy == RestartPolicy(ignored_exit_codes=frozenset(), period=300)


@pytest.mark.parametrize(
    ("exit_code", "ran_seconds", "permitted"), [(1, 60, True), (1, 59.9, False), (0, 90, False), (None, 60, True)]
)
def test_a_restart_is_permitted_by_exit_code_and_time(
    exit_code: int | None, ran_seconds: float, *, permitted: bool
) -> None:
    policy = RestartPolicy(ignored_exit_codes=frozenset({0}), period=60)
    assert policy.permits(exit_code, ran_seconds) is permitted


@pytest.mark.parametrize(("own", "expected"), [(None, 512 * MIB), (100, 100 * MIB), (2048, 512 * MIB)])
def test_a_container_has_no_more_memory_than_its_task_and_no_swap(own: int | None, expected: int) -> None:
    definition = parse(task(container(memory=own)))
    options = options_of(definition.containers[0], definition, volumes={}, processors=8)
    assert (options["mem_limit"], options["memswap_limit"]) == (expected, expected)


@pytest.mark.parametrize(("cpu", "processors", "expected"), [("256", 2, 25 * 10**7), ("4096", 2, 2 * 10**9)])
def test_a_container_has_the_processors_of_its_task_as_far_as_the_machine_has_them(
    cpu: str, processors: int, expected: int
) -> None:
    definition = parse(task(container(cpu=64), container(name="b"), cpu=cpu))
    first, second = (options_of(each, definition, volumes={}, processors=processors) for each in definition.containers)
    assert first["nano_cpus"] == second["nano_cpus"] == expected
    assert (first["cpu_shares"], second["cpu_shares"]) == (64, 2)


def test_volumes_are_mounted_by_the_engines_names() -> None:
    mounts = [{"sourceVolume": "scratch", "containerPath": "/scratch", "readOnly": True}]
    definition = parse(task(container(mountPoints=mounts), volumes=[{"name": "scratch"}]))
    assert definition.containers[0].mounts == [Mount("scratch", "/scratch", read_only=True)]
    options = options_of(definition.containers[0], definition, volumes={"scratch": "onetrace-1"}, processors=1)
    assert options["volumes"] == {"onetrace-1": {"bind": "/scratch", "mode": "ro"}}
