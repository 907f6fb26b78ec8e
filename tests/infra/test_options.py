"""Each choice that an account may need is in the templates, and in no other environment's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from flask_onetrace.contract import RELAY_PATH, Variable
from infra.environments import DEV, ENVIRONMENTS
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json, synthesize
from tests.infra.test_cfn_lint import lint
from tests.infra.test_dashboard import BUSY_THREADS, widget
from tests.infra.variants import VARIANTS, Variant, types_in
from tests.sample import CRUDDUR, names_of


def test_the_templates_of_every_choice_pass_cfn_lint(variant: Variant) -> None:
    # Zones that somebody names are meant.
    assert (
        lint(
            *(stack.path for name in VARIANTS for stack in variant(name).stacks), ignore="W3010", regions=("us-east-1",)
        )
        == ""
    )


def artifact(assembly: Assembly, stack: str) -> Json:
    manifest = json.loads((assembly.service.path.parent / "manifest.json").read_text(encoding="utf-8"))
    properties: Json = manifest["artifacts"][stack]["properties"]
    return properties


def test_arm64_is_the_architecture_of_the_task(variant: Variant) -> None:
    definition = variant("arm64").service.only("AWS::ECS::TaskDefinition")
    assert definition["RuntimePlatform"] == {"CpuArchitecture": "ARM64", "OperatingSystemFamily": "LINUX"}


def test_an_image_that_the_cdk_builds_is_of_the_tasks_architecture(tmp_path: Path) -> None:
    for arm64, platform in ((False, "linux/amd64"), (True, "linux/arm64")):
        with patch.dict(ENVIRONMENTS, dev=VARIANTS["arm64"] if arm64 else DEV):
            synthesize(tmp_path / platform, "dev")
        assets = json.loads((tmp_path / platform / f"{names_of('dev').service_stack}.assets.json").read_text("utf-8"))
        assert {each["source"].get("platform") for each in assets["dockerImages"].values()} == {platform}


def test_spot_runs_its_share_of_the_tasks_above_the_minimum(variant: Variant) -> None:
    service = variant("spot").service
    assert service.only("AWS::ECS::Service")["CapacityProviderStrategy"] == [
        {"CapacityProvider": "FARGATE", "Base": 1, "Weight": 30},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 70},
    ]
    associated = service.only("AWS::ECS::ClusterCapacityProviderAssociations")["CapacityProviders"]
    assert associated == ["FARGATE", "FARGATE_SPOT"]
    [association] = service.ids_of_type("AWS::ECS::ClusterCapacityProviderAssociations")
    [resource] = service.of_type("AWS::ECS::Service")
    assert association in resource["DependsOn"]


def test_the_threads_of_a_worker_are_set_and_are_the_limit_in_the_dashboard(variant: Variant) -> None:
    assembly = variant("threads")
    variables = {
        each["Name"]: each["Value"] for each in assembly.service.container(CRUDDUR.container_name)["Environment"]
    }
    assert variables[Variable.WEB_THREADS] == "54"
    [limit] = widget(assembly, BUSY_THREADS)["annotations"]["horizontal"]
    assert limit["value"] == 54


def test_ecs_exec_opens_a_shell_where_the_root_file_system_is_writable(variant: Variant) -> None:
    service = variant("exec").service
    assert service.only("AWS::ECS::Service")["EnableExecuteCommand"] is True
    assert service.container(CRUDDUR.container_name)["ReadonlyRootFilesystem"] is False
    actions = [action for each in service.statements_of("TaskRoleArn") for action in each["Action"]]
    assert "ssmmessages:OpenDataChannel" in actions


def test_without_ecs_exec_no_shell_can_be_opened(dev: Assembly, prod: Assembly) -> None:
    for assembly in (dev, prod):
        assert not assembly.service.only("AWS::ECS::Service").get("EnableExecuteCommand")
        assert assembly.service.container(CRUDDUR.container_name)["ReadonlyRootFilesystem"] is True
        assert "ssmmessages" not in assembly.service.text


def test_a_firewall_limits_each_address_and_each_one_to_the_relay_more(variant: Variant) -> None:
    service = variant("firewall").service
    rules = {each["Name"]: each for each in service.only("AWS::WAFv2::WebACL")["Rules"]}
    rates = {
        name: each["Statement"]["RateBasedStatement"]
        for name, each in rules.items()
        if "RateBasedStatement" in each["Statement"]
    }
    assert {name: each["Limit"] for name, each in rates.items()} == {"Rate": 1000, "RelayRate": 50}
    assert "ScopeDownStatement" not in rates["Rate"]
    assert rates["RelayRate"]["ScopeDownStatement"]["ByteMatchStatement"]["SearchString"] == RELAY_PATH
    assert all("Block" in rules[name]["Action"] for name in rates)
    managed = {name for name, each in rules.items() if "ManagedRuleGroupStatement" in each["Statement"]}
    assert managed == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
    [balancer] = service.ids_of_type("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert service.only("AWS::WAFv2::WebACLAssociation")["ResourceArn"] == {"Ref": balancer}


def test_a_customer_key_encrypts_log_groups_secrets_and_the_topic(variant: Variant) -> None:
    assembly = variant("key")
    key = assembly.observability.only("AWS::KMS::Key")
    assert key["EnableKeyRotation"] is True
    encrypted = {
        "AWS::Logs::LogGroup": "KmsKeyId",
        "AWS::SecretsManager::Secret": "KmsKeyId",
        "AWS::SNS::Topic": "KmsMasterKeyId",
    }
    resources = [each for stack in assembly.stacks for each in stack.content["Resources"].values()]
    data = [each for each in resources if each["Type"] in encrypted]
    assert len(data) == 7  # three log groups, three secrets, the topic
    assert all(encrypted[each["Type"]] in each["Properties"] for each in data)
    [decrypt] = [each for each in assembly.service.statements_of("ExecutionRoleArn") if "kms:" in str(each["Action"])]
    assert (decrypt["Action"], "*" in json.dumps(decrypt["Resource"])) == ("kms:Decrypt", False)


def test_without_a_customer_key_there_is_none(dev: Assembly, prod: Assembly) -> None:
    assert "AWS::KMS::Key" not in types_in(dev) | types_in(prod)


def test_an_accounts_boundary_is_on_every_role(variant: Variant) -> None:
    assembly = variant("boundary")
    roles = [each["Properties"] for stack in assembly.stacks for each in stack.of_type("AWS::IAM::Role")]
    assert len(roles) >= 2
    assert all("policy/team/boundary" in json.dumps(each["PermissionsBoundary"]) for each in roles)


def test_an_accounts_bootstrap_qualifier_names_the_roles_that_deploy(variant: Variant) -> None:
    assembly = variant("qualifier")
    for stack in ("Observability", "Service"):
        properties = artifact(assembly, f"Cruddur-dev-{stack}")
        assert "cdk-team1-deploy-role" in properties["assumeRoleArn"]
        assert "hnb659fds" not in json.dumps(properties)


def test_every_stack_has_the_tags_that_cloudformation_copies_to_its_resources(dev: Assembly, prod: Assembly) -> None:
    for assembly in (dev, prod):
        for stack in ("Observability", "Service"):
            assert artifact(assembly, f"Cruddur-{assembly.environment}-{stack}")["tags"] == {
                "environment": assembly.environment,
                "service": "Backend-Flask",
                "owner": "cruddur",
            }


def test_tasks_get_the_tags_of_their_task_definition_and_the_version(synthesized: Callable[..., Assembly]) -> None:
    service = synthesized("dev", image=PLAIN_IMAGE, version="2.0.0").service
    assert service.only("AWS::ECS::Service")["PropagateTags"] == "TASK_DEFINITION"
    for kind in ("AWS::ECS::TaskDefinition", "AWS::ECS::Service"):
        assert {"Key": "version", "Value": "2.0.0"} in service.only(kind)["Tags"]


@pytest.mark.parametrize(("context", "protected"), [({}, True), ({"protected": "no"}, False)])
def test_production_refuses_to_be_deleted_until_a_deploy_allows_it(
    context: dict[str, str],
    protected: bool,  # noqa: FBT001 - a column
    synthesized: Callable[..., Assembly],
) -> None:
    assembly = synthesized("prod", image=PLAIN_IMAGE, **context)
    for stack in ("Observability", "Service"):
        properties = artifact(assembly, f"Cruddur-prod-{stack}")
        assert bool(properties.get("terminationProtection")) is protected
    attributes = assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
    assert ({"Key": "deletion_protection.enabled", "Value": "true"} in attributes) is protected


def test_production_logs_each_request_and_each_rejected_connection(dev: Assembly, prod: Assembly) -> None:
    attributes = prod.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")["LoadBalancerAttributes"]
    assert {"Key": "access_logs.s3.enabled", "Value": "true"} in attributes
    bucket = prod.observability.only("AWS::S3::Bucket")
    assert all(bucket["PublicAccessBlockConfiguration"].values())
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 90
    statements = prod.observability.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    writers = [each["Principal"] for each in statements if each["Effect"] == "Allow"]
    assert writers == [{"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}]
    assert prod.service.only("AWS::EC2::FlowLog")["TrafficType"] == "REJECT"
    assert not types_in(dev) & {"AWS::S3::Bucket", "AWS::EC2::FlowLog"}


def test_an_environment_reads_at_a_glance() -> None:
    lines = Path("infra/environments.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
