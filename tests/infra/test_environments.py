"""Environments are frozen values that Fargate accepts."""

import dataclasses

import pytest
from aws_cdk import RemovalPolicy

from infra.environments import DEFAULT, DEV, ENVIRONMENTS, LOCAL, PROD, Environment
from infra.xray import TUTORIAL, load, sampling_rule
from infra.xray_sidecar import MEMORY

EVERY = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))

FARGATE_MEMORY = {256: {512, 1024, 2048}, 512: set(range(1024, 4097, 1024)), 1024: set(range(2048, 8193, 1024))}
"""MiB per CPU size: "Task CPU and memory", Amazon ECS Developer Guide."""


@EVERY
def test_an_environment_is_found_by_its_own_name(environment: Environment) -> None:
    assert ENVIRONMENTS[environment.name] is environment


def test_the_default_is_dev() -> None:
    assert DEFAULT is DEV


@EVERY
def test_an_environment_cannot_be_changed(environment: Environment) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment.cpu = 4096  # type: ignore[misc]  # the assignment that must fail


@EVERY
def test_fargate_offers_the_environments_size(environment: Environment) -> None:
    assert environment.memory in FARGATE_MEMORY[environment.cpu]


@EVERY
def test_the_task_has_memory_for_both_containers(environment: Environment) -> None:
    assert environment.memory - MEMORY >= 256 * environment.workers


@EVERY
def test_the_number_of_tasks_stays_within_its_bounds(environment: Environment) -> None:
    assert 1 <= environment.minimum_tasks <= environment.maximum_tasks
    assert environment.desired_tasks is None or (
        environment.minimum_tasks <= environment.desired_tasks <= environment.maximum_tasks
    )


@EVERY
def test_an_environment_changes_the_rates_of_the_sampling_rule_and_nothing_else(environment: Environment) -> None:
    rates = dict.fromkeys(("FixedRate", "ReservoirSize"))
    assert sampling_rule(TUTORIAL, environment.sampling) | rates == load("xray")["SamplingRule"] | rates


@EVERY
def test_an_environment_that_keeps_its_data_has_no_fault_routes_and_trusts_no_user_header(
    environment: Environment,
) -> None:
    if environment.removal_policy is RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE:
        assert (environment.fault_routes, environment.trust_user_header) == (False, False)


def test_each_field_without_a_default_differs_between_environments() -> None:
    required = [field.name for field in dataclasses.fields(Environment) if field.default is dataclasses.MISSING]
    constant = [
        name for name in required if len({getattr(environment, name) for environment in ENVIRONMENTS.values()}) == 1
    ]
    assert constant == []


def test_production_keeps_its_data_and_samples_at_the_rates_of_the_file() -> None:
    assert PROD.removal_policy is RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    assert sampling_rule(TUTORIAL, PROD.sampling) == load("xray")["SamplingRule"]


@pytest.mark.parametrize("environment", [LOCAL, DEV], ids=["local", "dev"])
def test_local_and_dev_sample_every_request(environment: Environment) -> None:
    assert sampling_rule(environment.names, environment.sampling)["FixedRate"] == 1.0
