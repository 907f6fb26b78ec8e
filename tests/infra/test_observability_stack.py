"""The template of the observability stack."""

from collections.abc import Callable

import pytest
from aws_cdk import RemovalPolicy, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_logs import RetentionDays

from flask_onetrace.contract import SECRET_PLACEHOLDER, SecretName
from infra.logs import ApplicationLogs, Retention
from infra.secrets import SinkSecrets
from infra.telemetry import Sampling
from infra.xray import GROUPS, Tracing, load
from tests.infra.assembly import PLAIN_IMAGE, Assembly
from tests.sample import TUTORIAL, names_of


def test_the_log_group_has_the_retention_and_removal_policy(stack: Stack) -> None:
    retention = Retention(
        application=RetentionDays.ONE_YEAR, output=RetentionDays.ONE_DAY, removal_policy=RemovalPolicy.RETAIN
    )
    ApplicationLogs(stack, "Logs", name="Group", retention=retention, encryption_key=None)
    Template.from_stack(stack).has_resource(
        "AWS::Logs::LogGroup",
        {"Properties": {"LogGroupName": "Group", "RetentionInDays": 365}, "DeletionPolicy": "Retain"},
    )


@pytest.mark.parametrize("file", GROUPS)
def test_each_x_ray_group_has_the_properties_of_its_file(file: str, stack: Stack) -> None:
    Tracing(stack, "Tracing", names=TUTORIAL, sampling=None, dynamic_naming=False)
    Template.from_stack(stack).has_resource_properties("AWS::XRay::Group", load(file))


def test_the_sampling_rule_is_the_files_with_the_environments_rates(stack: Stack) -> None:
    Tracing(
        stack, "Tracing", names=TUTORIAL, sampling=Sampling(fixed_rate=0.25, reservoir_size=2), dynamic_naming=False
    )
    Template.from_stack(stack).has_resource_properties(
        "AWS::XRay::SamplingRule",
        {"SamplingRule": load("xray")["SamplingRule"] | {"FixedRate": 0.25, "ReservoirSize": 2}},
    )


def test_each_secret_is_created_with_the_placeholder_under_its_environments_name(stack: Stack) -> None:
    SinkSecrets(stack, "Secrets", names=names_of("test"), removal_policy=RemovalPolicy.DESTROY, encryption_key=None)
    resources = Template.from_stack(stack).find_resources("AWS::SecretsManager::Secret")
    properties = [each["Properties"] for each in resources.values()]
    assert {each["Name"]: each["SecretString"] for each in properties} == {
        names_of("test").secret(name): SECRET_PLACEHOLDER for name in SecretName
    }


def test_a_new_version_changes_nothing_here_so_an_update_overwrites_no_secret(
    prod: Assembly, synthesized: Callable[..., Assembly]
) -> None:
    newer = synthesized("prod", image=PLAIN_IMAGE, version="2.0.0")
    assert newer.service.content != prod.service.content
    assert newer.observability.content == prod.observability.content


def test_production_retains_its_logs_and_secrets_when_the_stack_is_deleted(prod: Assembly) -> None:
    types = ("AWS::Logs::LogGroup", "AWS::SecretsManager::Secret")
    policies = {each["DeletionPolicy"] for kind in types for each in prod.observability.of_type(kind)}
    assert policies == {"RetainExceptOnCreate"}
