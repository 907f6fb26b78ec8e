"""Each choice that an account may need is in the templates, and in no other environment's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest

from flask_onetrace.contract import RELAY_PATH, XRAY_DAEMON_CONTAINER_NAME, Variable
from infra.account import Account
from infra.environments import DEV, ENVIRONMENTS, PROD, Environment
from infra.firewall import Firewall
from infra.ingress import Ingress
from infra.network import ExistingVpc, Networking
from infra.notifications import Notifications
from infra.telemetry import Sampling, Telemetry
from tests.infra.assembly import PLAIN_IMAGE, Assembly, Json, synthesize
from tests.infra.test_cfn_lint import lint
from tests.infra.test_dashboard import BUSY_THREADS, widget
from tests.infra.test_notifications import SLACK
from tests.sample import CRUDDUR, names_of

ZONES = ("us-east-1b", "us-east-1d")
EXISTING = ExistingVpc(
    vpc_id="vpc-0123456789abcdef0",
    availability_zones=ZONES,
    private_subnet_ids=("subnet-0aaaaaaaaaaaaaaa1", "subnet-0aaaaaaaaaaaaaaa2"),
    public_subnet_ids=("subnet-0bbbbbbbbbbbbbbb1", "subnet-0bbbbbbbbbbbbbbb2"),
)

VARIANTS: dict[str, Environment] = {
    "arm64": replace(DEV, tasks=replace(DEV.tasks, arm64=True)),
    "spot": replace(DEV, tasks=replace(DEV.tasks, spot_percent=70)),
    "threads": replace(DEV, tasks=replace(DEV.tasks, threads=54)),
    "exec": replace(DEV, tasks=replace(DEV.tasks, ecs_exec=True)),
    "existing": replace(DEV, network=Networking(existing=EXISTING)),
    "cidr": replace(DEV, network=Networking(cidr="172.20.8.0/21", availability_zones=ZONES)),
    "endpoints": replace(DEV, network=Networking(endpoints=True)),
    "private": replace(DEV, network=Networking(endpoints=True), ingress=Ingress(plain_http=True, internal=True)),
    "allowed": replace(DEV, ingress=Ingress(plain_http=True, allowed_cidrs=("203.0.113.0/24", "198.51.100.7/32"))),
    "firewall": replace(DEV, ingress=Ingress(plain_http=True, firewall=Firewall(requests=1000, relay_requests=50))),
    "key": replace(PROD, customer_key=True),
    "boundary": replace(PROD, account=Account(permissions_boundary="team/boundary")),
    "qualifier": replace(DEV, account=Account(bootstrap_qualifier="team1")),
    "notified": replace(DEV, notifications=Notifications(slack=SLACK, webhook_secret="hook", monthly_budget=9)),
}
Variant = Callable[[str], Assembly]


@pytest.fixture(scope="module")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Variant:
    """Synthesize one of `VARIANTS`, once."""

    @cache
    def once(name: str) -> Assembly:
        environment = VARIANTS[name]
        with patch.dict(ENVIRONMENTS, {environment.name: environment}):
            return synthesize(tmp_path_factory.mktemp(name), environment.name, image=PLAIN_IMAGE)

    return once


def test_the_templates_of_every_choice_pass_cfn_lint(variant: Variant) -> None:
    # Zones that somebody names are meant.
    assert (
        lint(
            *(stack.path for name in VARIANTS for stack in variant(name).stacks), ignore="W3010", regions=("us-east-1",)
        )
        == ""
    )


def types(assembly: Assembly) -> set[str]:
    return {each["Type"] for stack in assembly.stacks for each in stack.content["Resources"].values()}


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


def test_an_existing_vpc_is_used_and_none_is_made(variant: Variant) -> None:
    assembly = variant("existing")
    assert not {each for each in types(assembly) if each.startswith("AWS::EC2::")} - {
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::SecurityGroupEgress",
    }
    balancer = assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert balancer["Subnets"] == list(EXISTING.public_subnet_ids)
    network = assembly.service.only("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["Subnets"] == list(EXISTING.private_subnet_ids)
    assert network["AssignPublicIp"] == "DISABLED"


def test_a_network_has_the_cidr_and_the_zones_of_its_environment(variant: Variant) -> None:
    service = variant("cidr").service
    assert service.only("AWS::EC2::VPC")["CidrBlock"] == "172.20.8.0/21"
    subnets = [each["Properties"] for each in service.of_type("AWS::EC2::Subnet")]
    assert [each["AvailabilityZone"] for each in subnets] == ["us-east-1b", "us-east-1d"]
    assert [each["CidrBlock"] for each in subnets] == ["172.20.8.0/25", "172.20.8.128/25"]


def test_with_endpoints_and_without_a_gateway_tasks_reach_aws_and_nothing_else(variant: Variant) -> None:
    service = variant("endpoints").service
    services = [json.dumps(each["Properties"]["ServiceName"]) for each in service.of_type("AWS::EC2::VPCEndpoint")]
    for name in ("s3", "ecr.api", "ecr.dkr", "logs", "xray", "secretsmanager", "ssmmessages"):
        assert len([each for each in services if f'.{name}"' in each]) == 1, name
    network = service.only("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
    isolated = {
        name
        for name, each in service.content["Resources"].items()
        if each["Type"] == "AWS::EC2::Subnet" and "isolated" in json.dumps(each["Properties"]["Tags"]).lower()
    }
    assert {each["Ref"] for each in network["Subnets"]} == isolated
    assert service.of_type("AWS::EC2::NatGateway") == []
    # The daemon's public image cannot be pulled from there.
    assert "public.ecr.aws" not in json.dumps(service.container(XRAY_DAEMON_CONTAINER_NAME)["Image"])


def test_an_internal_load_balancer_with_endpoints_needs_no_internet_gateway(variant: Variant) -> None:
    assembly = variant("private")
    assert assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")["Scheme"] == "internal"
    assert not types(assembly) & {"AWS::EC2::InternetGateway", "AWS::EC2::NatGateway", "AWS::EC2::EIP"}


def test_only_the_allowed_networks_may_connect(variant: Variant) -> None:
    service = variant("allowed").service
    rules = [
        rule
        for each in service.of_type("AWS::EC2::SecurityGroup")
        for rule in each["Properties"].get("SecurityGroupIngress", [])
    ]
    assert {(each["CidrIp"], each["FromPort"], each["ToPort"]) for each in rules} == {
        ("203.0.113.0/24", 80, 80),
        ("198.51.100.7/32", 80, 80),
    }


def test_by_default_everybody_may_connect_to_the_listeners_ports_only(prod: Assembly) -> None:
    [rules] = [
        each["Properties"]["SecurityGroupIngress"]
        for each in prod.service.of_type("AWS::EC2::SecurityGroup")
        if "SecurityGroupIngress" in each["Properties"]
    ]
    assert [(each["CidrIp"], each["FromPort"]) for each in rules] == [("0.0.0.0/0", 80)]


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
    assert "AWS::KMS::Key" not in types(dev) | types(prod)


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
    assert not types(dev) & {"AWS::S3::Bucket", "AWS::EC2::FlowLog"}


def test_production_reaches_the_layers_of_its_images_without_the_gateways_price(dev: Assembly, prod: Assembly) -> None:
    assert prod.service.only("AWS::EC2::VPCEndpoint")["VpcEndpointType"] == "Gateway"
    assert "AWS::EC2::VPCEndpoint" not in types(dev)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Networking(cidr="10.0.0.1/16"), r"cidr '10\.0\.0\.1/16' is malformed .*write for example"),
        (lambda: Networking(cidr="10.0.0.0/28"), "has the wrong size: use a prefix of 16 to 23"),
        (lambda: Networking(availability_zones=("us-east-1a",)), "too few, or named twice: a load balancer needs two"),
        (lambda: Networking(existing=EXISTING, nat_gateways=1), "existing is set, and so is another choice"),
        (lambda: replace(EXISTING, private_subnet_ids=()), r"private_subnet_ids \[\] are not one for each zone, of 2"),
        (
            lambda: replace(DEV, network=Networking(existing=replace(EXISTING, public_subnet_ids=()))),
            "must be internal: set internal=True of its `ingress`, or the public_subnet_ids",
        ),
        (lambda: Ingress(allowed_cidrs=("everybody",)), "allowed_cidrs has 'everybody'"),
        (lambda: Ingress(allowed_cidrs=()), "lists no network"),
        (lambda: Ingress(allowed_cidrs="10.0.0.0/8"), "lists no network"),
        (lambda: Firewall(requests=1), "requests 1 is out of range: use 10 to"),
        (lambda: replace(DEV.tasks, memory=4096), "does not go with cpu 256: Fargate offers 512, 1024, 2048"),
        (lambda: replace(DEV.tasks, cpu=300), "Fargate offers for cpu one of 256, 512, 1024"),
        (lambda: replace(DEV.tasks, desired=5), "use 1 <= minimum <= desired <= maximum"),
        (lambda: replace(DEV.tasks, spot_percent=100), "spot_percent 100 is out of range: use 0 to 99"),
        (lambda: replace(DEV.tasks, threads=0), "threads 0 is out of range: use 1 or more"),
        (lambda: Account(permissions_boundary="/team/boundary"), "permissions_boundary .* is malformed"),
        (lambda: Networking(nat_gateways=-1), "nat_gateways -1 is out of range"),
        (lambda: Networking(availability_zones=("us-east-1a",) * 2), "or named twice"),
        (lambda: Account(owner="a;b"), "owner 'a;b' is malformed"),
        (lambda: Account(permissions_boundary="two words"), "permissions_boundary 'two words' is malformed"),
        (lambda: Account(bootstrap_qualifier="Team"), "bootstrap_qualifier 'Team' is malformed: use up to ten"),
        (lambda: Sampling(fixed_rate=1.1, reservoir_size=1), "fixed_rate 1.1 is out of range: use 0 to 1"),
        (lambda: Sampling(fixed_rate=1, reservoir_size=-1), "reservoir_size -1 is out of range"),
        (lambda: Telemetry(sampling=None, browser_relay=True, rollbar_items="x"), "rollbar_items 'x' is malformed"),
    ],
)  # fmt: skip
def test_a_malformed_choice_is_an_error_with_value_and_remedy(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_an_environment_reads_at_a_glance() -> None:
    lines = Path("infra/environments.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 100
