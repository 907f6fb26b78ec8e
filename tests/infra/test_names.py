"""Environments share an account and region: no two have a name in common, and no name is too long."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from infra.application import ApplicationError
from infra.environments import DEV, ENVIRONMENTS
from infra.names import Names
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json, synthesize
from tests.sample import CRUDDUR, names_of

LONGEST = "a" * 17
NAMING = {"LogGroupName", "GroupName", "RuleName", "Name", "AlarmName", "DashboardName", "MetricNamespace", "TopicName"}
"""The properties with which a resource, or a metric, is named in the whole account and region."""
ACCOUNT_WIDE = {
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::Logs::QueryDefinition",
    "AWS::XRay::Group",
    "AWS::XRay::SamplingRule",
    "AWS::SecretsManager::Secret",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
}


def names_in(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key in NAMING and isinstance(each, str):
                yield key, each
            yield from names_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from names_in(each)


def account_wide_names(assembly: Assembly) -> set[tuple[str, str]]:
    resources: list[Json] = [each for stack in assembly.stacks for each in stack.content["Resources"].values()]
    return {
        (each["Type"], name)
        for each in resources
        if each["Type"] in ACCOUNT_WIDE
        for key, name in names_in(each["Properties"])
        if key != "Name" or each["Type"] in {"AWS::Logs::QueryDefinition", "AWS::SecretsManager::Secret"}
    }


def test_no_two_environments_have_a_name_in_common(synthesized: Callable[..., Assembly]) -> None:
    names = {each: account_wide_names(synthesized(each, image=PLAIN_IMAGE)) for each in ENVIRONMENTS}
    assert {len({kind for kind, _ in each}) for each in names.values()} == {len(ACCOUNT_WIDE)}
    assert sum(map(len, names.values())) == len(set().union(*names.values()))


def test_an_environment_with_the_longest_name_has_x_ray_names_that_x_ray_takes(tmp_path: Path) -> None:
    with patch.dict(ENVIRONMENTS, {LONGEST: replace(DEV, name=LONGEST)}):
        stack = synthesize(tmp_path, LONGEST, image=PLAIN_IMAGE).observability
    names = [name for kind in ("Group", "SamplingRule") for each in stack.of_type(f"AWS::XRay::{kind}")
             for key, name in names_in(each) if key in {"GroupName", "RuleName"}]  # fmt: skip
    assert max(map(len, names)) == 32
    assert len(names_of(LONGEST).access_log_bucket("123456789012", "ap-southeast-2")) <= 63


def test_only_one_environment_has_the_tutorials_names() -> None:
    assert [name for name, each in ENVIRONMENTS.items() if each.tutorial_names] == ["local"]
    names = names_of("local")
    assert (names.xray_group, names.xray_service) == (CRUDDUR.name, CRUDDUR.service_name)
    assert names.log_group == f"{CRUDDUR.name}-{CRUDDUR.service_name}"


@pytest.mark.parametrize("name", ["", "Prod", "a" * 18, "1a", "a_b", "a-", "dev ", "dév", "a\n"])
def test_a_malformed_name_of_an_environment_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ValueError, match="use up to 17 lower-case letters") as raised:
        Names(CRUDDUR, name)
    assert repr(name) in str(raised.value)


def test_no_stack_exports_what_another_imports_so_that_names_can_change(assembly: Assembly) -> None:
    for stack in assembly.stacks:
        assert "Fn::ImportValue" not in stack.text
        assert not [each for each in stack.content.get("Outputs", {}).values() if "Export" in each]


def every_name(names: Names) -> set[str]:
    """Return what is named in an account once, as AWS compares it: secrets and buckets are in lower case."""
    return {
        *(names.resource(each) for each in ("Observability", "Service", "p99")),
        names.xray_group,
        f"{names.xray_group}-Faults",
        f"{names.xray_group}-Slow",
        f"{names.xray_group}-Health",
        names.log_group,
        names.query_folder,
        names.metrics_namespace,
        names.access_log_bucket("123456789012", "eu-west-1"),
        *names.secrets.values(),
    }


def test_no_two_applications_or_environments_have_a_name_in_common() -> None:
    source = random.Random(7)
    applications = ["A", "AB", "Ad", "Adev", "Dev", "Observability", "X1", "Cruddur", "Orders", "Service"]
    environments = ["a", "b", "d", "dev", "dev-x", "x", "ab-dev", "slow", "health", "dev-faults", "e1"]
    owners: dict[str, tuple[str, str]] = {}
    for _ in range(300):
        owner = source.choice(applications), source.choice(environments)
        application = replace(CRUDDUR, name=owner[0], service_name=owner[0], secrets={"URL": "service/p99"})
        for name in every_name(Names(application, owner[1])):
            assert owners.setdefault(name, owner) == owner, name
    assert len(set(owners.values())) > 80


@pytest.mark.parametrize("name", ["", "order-service", "1Orders", "Bücher", "a" * 17, "Orders\n", "A.b"])
def test_a_malformed_name_of_an_application_is_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ApplicationError, match="use up to 16 letters and digits") as raised:
        Names(replace(CRUDDUR, name=name), "dev")
    assert repr(name) in str(raised.value)


def test_a_long_name_of_an_application_leaves_less_to_the_environments() -> None:
    longest = replace(CRUDDUR, name="a" * 16)
    assert Names(longest, "e" * 8).prefix == f"{'a' * 16}-{'e' * 8}"
    with pytest.raises(ApplicationError, match="use up to 8 lower-case letters"):
        Names(longest, "e" * 9)
