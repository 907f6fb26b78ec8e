"""Environments are values that Fargate accepts."""

import dataclasses
import json

import pytest

from infra.environments import DEFAULT, DEV, ENVIRONMENTS, LOCAL, PROD, Environment
from infra.xray import load, sampling_rule
from infra.xray_sidecar import MEMORY

EVERY = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))

FARGATE_MEMORY = {256: {512, 1024, 2048}, 512: set(range(1024, 4097, 1024)), 1024: set(range(2048, 8193, 1024))}
"""MiB per CPU size: "Task CPU and memory", Amazon ECS Developer Guide."""


def test_local_dev_and_prod_are_known_by_their_own_names() -> None:
    assert ENVIRONMENTS == {"local": LOCAL, "dev": DEV, "prod": PROD}
    assert DEFAULT is DEV


@EVERY
def test_an_environment_cannot_be_changed(environment: Environment) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment.cpu = 4096  # type: ignore[misc]  # the assignment that must fail


@EVERY
def test_fargate_offers_the_environments_size(environment: Environment) -> None:
    assert environment.memory in FARGATE_MEMORY[environment.cpu]


@EVERY
def test_the_task_holds_both_containers(environment: Environment) -> None:
    assert environment.memory - MEMORY >= 256 * environment.workers


@EVERY
def test_the_number_of_tasks_stays_within_its_bounds(environment: Environment) -> None:
    assert 1 <= environment.minimum_tasks <= environment.maximum_tasks
    assert environment.desired_tasks is None or (
        environment.minimum_tasks <= environment.desired_tasks <= environment.maximum_tasks
    )


def test_production_samples_as_the_file_says_and_the_others_sample_everything() -> None:
    assert sampling_rule(PROD.sampling) == load("xray")["SamplingRule"]
    assert [sampling_rule(each.sampling)["FixedRate"] for each in (LOCAL, DEV)] == [1.0, 1.0]


def test_an_override_changes_the_rates_and_nothing_else() -> None:
    changed = {"FixedRate", "ReservoirSize"}
    overridden, file = sampling_rule(DEV.sampling), sampling_rule(None)
    assert json.dumps({k: v for k, v in overridden.items() if k not in changed}) == json.dumps(
        {k: v for k, v in file.items() if k not in changed}
    )


def test_only_production_has_no_fault_routes() -> None:
    assert [each.name for each in ENVIRONMENTS.values() if not each.fault_routes] == ["prod"]
