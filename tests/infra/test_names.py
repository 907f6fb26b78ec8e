"""Environments share an account and region: no two have a name in common, and no name is too long."""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from unittest.mock import patch

import pytest

from infra.application import ApplicationError, dataset_slug
from infra.application_file import FILE, load
from infra.context import ContextError
from infra.environments import DEV, ENVIRONMENTS
from infra.names import APPLICATION_NAME, LONGEST_APPLICATION, Names, check_environment_names, default_name
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json, synthesize
from tests.sample import CRUDDUR, names_of

LONGEST = "a" * 17
SEED = int(os.environ.get("FUZZ_SEED", "1"))
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


LIMITS = {
    "stack": r"[A-Za-z][A-Za-z0-9-]{0,127}",  # "CreateStack", CloudFormation API Reference
    "alarm": r".{1,255}",  # "PutMetricAlarm", CloudWatch API Reference
    "dashboard": r"[A-Za-z0-9_-]{1,255}",  # "PutDashboard", the same
    "namespace": r"[^:].{0,254}",  # "PutMetricData", the same
    "X-Ray group": r".{1,32}",  # "CreateGroup", X-Ray API Reference
    "sampling rule": r".{1,32}",  # "SamplingRule", the same
    "segment": r"[\w\s.:/%&#=+@-]{1,64}",  # "Segment documents", X-Ray Developer Guide; a rule's ServiceName has 64
    "log group": r"[.\-_/#A-Za-z0-9]{1,512}",  # "CreateLogGroup", CloudWatch Logs API Reference
    "bucket": r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",  # "General purpose bucket naming rules", S3 User Guide
    "secret": r"(?!.*-.{6}$)[A-Za-z0-9/_+=.@-]{1,512}",  # "CreateSecret", Secrets Manager API Reference
    "container": r"[A-Za-z0-9_-]{1,255}",  # "ContainerDefinition", ECS API Reference
    "budget": r"[^:\\]{1,100}",  # "Budget", Budgets API Reference; a Slack configuration is less narrow
}
PER_ACCOUNT = LIMITS.keys() - {"container"}
LONGEST_REGION = "ap-southeast-2"


def every_name(names: Names) -> dict[str, set[str]]:
    """Return all that is named after an application and an environment, by what it is."""
    return {
        "stack": {names.observability_stack, names.service_stack},
        "alarm": {names.resource("p99")},
        "dashboard": {names.dashboard},
        "namespace": {names.metrics_namespace},
        "X-Ray group": {names.xray_group, f"{names.xray_group}-Faults", f"{names.xray_group}-Slow"},
        "sampling rule": {names.xray_group, f"{names.xray_group}-Health"},
        "segment": {names.xray_service},
        "log group": {names.log_group},
        "bucket": {names.access_log_bucket("123456789012", LONGEST_REGION)},
        "secret": set(names.secrets.values()),
        "container": {names.application.container_name},
        "budget": {names.prefix},
    }


def random_name(source: random.Random, letters: str, longest: int) -> str:
    return source.choice(("a", "a", letters)) + "".join(source.choices(letters, k=source.randrange(longest)))


def loaded(folder: Path, name: str, service_name: str, environment: str) -> Names | None:
    """Return the names of an application as a description has them, None where they are refused."""
    texts = (
        f"name = {json.dumps(name)}",
        f"service_name = {json.dumps(service_name)}",
        '[secrets]\nURL = "service/p99"',
    )
    (folder / FILE).write_text("\n".join(texts), encoding="utf-8")
    try:
        return Names(load(folder), environment)
    except ApplicationError:
        return None


def test_every_name_that_a_description_takes_is_one_that_aws_takes(tmp_path: Path) -> None:
    source, accepted = random.Random(SEED), 0
    for _ in range(1500):
        name = random_name(source, source.choice(("aZ9", "aZ9-_ü")), source.choice((6, 16, 60)))
        service = random_name(source, source.choice(("aZ9.", "aZ9._-", "aZ9._-/ ü")), source.choice((6, 32, 60)))
        environment = random_name(source, source.choice(("az", "az9-", "azZ9-_ü")), source.choice((4, 8, 23)))
        if (names := loaded(tmp_path, name, service, environment)) is None:
            continue
        accepted += 1
        for kind, each in every_name(names).items():
            assert all(re.fullmatch(LIMITS[kind], one) for one in each), (kind, each, f"FUZZ_SEED={SEED}")
    assert accepted > 100


def test_no_two_applications_or_environments_have_a_name_in_common(tmp_path: Path) -> None:
    """Of applications whose names, and service names, differ in more than case."""
    source = random.Random(SEED)
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for _ in range(60):
        environments = {"".join(source.choices("ab-", k=source.randint(1, 5))) for _ in range(3)}
        try:
            check_environment_names(environments)
        except ApplicationError:
            continue
        owners.clear()
        for application, environment in product(("a", "ab", "aab", "b", "a-b", "a-a", "b-ab", "a-b-a"), environments):
            names = loaded(tmp_path, application.replace("-", "X"), application, environment)
            for kind, each in {} if names is None else every_name(names).items():
                for name in each if kind in PER_ACCOUNT else ():
                    assert owners.setdefault((kind, name.lower()), (application, environment)) == (
                        application,
                        environment,
                    ), name
    assert len(set(owners.values())) > 5


def test_environments_whose_services_x_ray_could_confuse_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ApplicationError, match="environment 'x-dev' ends as the name of environment 'dev'"):
        check_environment_names(["dev", "prod", "x-dev"])
    check_environment_names(["dev", "dev-eu", "prod-eu", "xdev"])
    confused = replace(DEV, name="eu-dev")
    with patch.dict(ENVIRONMENTS, {confused.name: confused}), pytest.raises(ContextError, match="ends as the name of"):
        synthesize(tmp_path, "dev", image=PLAIN_IMAGE)


@pytest.mark.parametrize("folder", ["shop", "order-service", "1", "日本", "a" * 60, "shop-", "...", "Bücher", "\udcff"])
def test_a_folder_of_any_name_gives_a_name_that_a_description_takes(folder: str) -> None:
    name = default_name(Path(folder))
    assert APPLICATION_NAME.fullmatch(name)
    assert len(name) <= LONGEST_APPLICATION


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


@pytest.mark.parametrize(
    ("service_name", "slug"),
    [
        ("my dataset!", "my-dataset-"),
        ("MyDataset!", "mydataset-"),
        ("Backend-Flask", "backend-flask"),
        ("a.b_c", "a-b_c"),
    ],
)
def test_a_service_names_dataset_has_the_slug_of_honeycombs_own_examples(service_name: str, slug: str) -> None:
    assert dataset_slug(service_name) == slug
