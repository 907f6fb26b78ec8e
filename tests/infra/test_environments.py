"""Environments are frozen values that Fargate accepts."""

import dataclasses

import pytest
from aws_cdk import RemovalPolicy

from infra import environment_names
from infra.environments import DEFAULT, DEV, ENVIRONMENTS, LOCAL, PROD, Environment
from infra.xray import load, sampling_rule
from infra.xray_sidecar import MEMORY
from tests.sample import TUTORIAL, names_of

EVERY = pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=list(ENVIRONMENTS))


@EVERY
def test_an_environment_is_found_by_its_own_name(environment: Environment) -> None:
    assert ENVIRONMENTS[environment.name] is environment


def test_the_default_is_dev() -> None:
    assert DEFAULT is DEV


@EVERY
def test_an_environment_cannot_be_changed(environment: Environment) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment.tasks = PROD.tasks  # type: ignore[misc]  # the assignment that must fail


@EVERY
def test_the_task_has_memory_for_both_containers(environment: Environment) -> None:
    assert environment.tasks.memory - MEMORY >= 256 * environment.tasks.workers


@EVERY
def test_an_environment_changes_the_rates_of_the_sampling_rule_and_nothing_else(environment: Environment) -> None:
    rates = dict.fromkeys(("FixedRate", "ReservoirSize"))
    assert sampling_rule(TUTORIAL, environment.telemetry.sampling) | rates == load("xray")["SamplingRule"] | rates


@EVERY
def test_an_environment_that_keeps_its_data_has_no_fault_routes_and_trusts_no_user_header(
    environment: Environment,
) -> None:
    if environment.retention.removal_policy is RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE:
        assert (environment.fault_routes, environment.trust_user_header) == (False, False)


def test_each_field_without_a_default_differs_between_environments() -> None:
    required = [
        field.name
        for field in dataclasses.fields(Environment)
        if dataclasses.MISSING is field.default is field.default_factory
    ]
    constant = [
        name for name in required if len({getattr(environment, name) for environment in ENVIRONMENTS.values()}) == 1
    ]
    assert constant == []


def test_production_keeps_its_data_and_samples_at_the_rates_of_the_file() -> None:
    assert PROD.retention.removal_policy is RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
    assert sampling_rule(TUTORIAL, PROD.telemetry.sampling) == load("xray")["SamplingRule"]


@pytest.mark.parametrize("environment", [LOCAL, DEV], ids=["local", "dev"])
def test_local_and_dev_sample_every_request(environment: Environment) -> None:
    assert sampling_rule(names_of(environment.name), environment.telemetry.sampling)["FixedRate"] == 1.0


def test_each_environment_has_its_name_and_its_values() -> None:
    assert tuple(ENVIRONMENTS) == environment_names.ALL
