"""The template of the service stack."""

from infra.service_stack import HEALTH_COMMAND
from service.contract import (
    CONTAINER_NAME,
    CONTAINER_PORT,
    HEALTH_CHECK_PATH,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    XRAY_DAEMON_PORT,
    Output,
    resource_name,
)
from tests.infra.assembly import Assembly, StackTemplate


def test_a_version_that_is_unhealthy_or_fires_an_alarm_is_rolled_back_while_the_old_one_serves(
    assembly: Assembly,
) -> None:
    service = assembly.service.only("AWS::ECS::Service")
    assert service["DeploymentConfiguration"] == {
        "Alarms": {
            "AlarmNames": [resource_name(assembly.environment, alarm) for alarm in ("5xx-share", "p99")],
            "Enable": True,
            "Rollback": True,
        },
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "MaximumPercent": 200,
        "MinimumHealthyPercent": 100,
    }
    assert service["HealthCheckGracePeriodSeconds"] == 60


def test_production_leaves_the_number_of_tasks_to_autoscaling(dev: Assembly, prod: Assembly) -> None:
    assert dev.service.only("AWS::ECS::Service")["DesiredCount"] == 1
    assert "DesiredCount" not in prod.service.only("AWS::ECS::Service")


def test_every_container_has_a_read_only_root_and_a_memory_limit(assembly: Assembly) -> None:
    task = assembly.service.only("AWS::ECS::TaskDefinition")
    assert all(each["ReadonlyRootFilesystem"] for each in task["ContainerDefinitions"])
    assert sum(each["Memory"] for each in task["ContainerDefinitions"]) == int(task["Memory"])


def test_the_flask_container_can_write_only_to_tmp(assembly: Assembly) -> None:
    assert assembly.service.container(CONTAINER_NAME)["MountPoints"] == [
        {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "scratch"}  # noqa: S108 - the mount itself
    ]


def test_the_flask_container_has_time_to_flush_and_a_health_check(assembly: Assembly) -> None:
    container = assembly.service.container(CONTAINER_NAME)
    assert container["StopTimeout"] == STOP_TIMEOUT_SECONDS
    assert container["HealthCheck"]["Command"] == ["CMD", *HEALTH_COMMAND]
    assert container["Essential"] is True


def test_the_flask_container_depends_on_no_other(assembly: Assembly) -> None:
    containers = assembly.service.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    assert [each["Name"] for each in containers] == [CONTAINER_NAME, XRAY_DAEMON_CONTAINER_NAME]
    assert not any("DependsOn" in each for each in containers)


def test_the_daemon_is_not_essential_and_receives_segments_by_udp(assembly: Assembly) -> None:
    daemon = assembly.service.container(XRAY_DAEMON_CONTAINER_NAME)
    assert daemon["Essential"] is False
    assert daemon["PortMappings"] == [{"ContainerPort": XRAY_DAEMON_PORT, "Protocol": "udp"}]
    assert daemon["Image"].startswith("public.ecr.aws/xray/aws-xray-daemon:3.")


def test_a_containers_output_never_blocks_it(assembly: Assembly) -> None:
    for name in (CONTAINER_NAME, XRAY_DAEMON_CONTAINER_NAME):
        options = assembly.service.container(name)["LogConfiguration"]["Options"]
        assert (options["mode"], options["max-buffer-size"]) == ("non-blocking", "4194304b")


def test_container_output_goes_to_a_short_lived_group_of_its_own(assembly: Assembly) -> None:
    assert assembly.service.only("AWS::Logs::LogGroup") == {"RetentionInDays": 3}


def test_the_load_balancer_checks_the_services_health_and_drops_malformed_headers(assembly: Assembly) -> None:
    targets = assembly.service.only("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert (targets["HealthCheckPath"], targets["Port"]) == (HEALTH_CHECK_PATH, CONTAINER_PORT)
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in targets["TargetGroupAttributes"]
    balancer = assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert {
        "Key": "routing.http.drop_invalid_header_fields.enabled",
        "Value": "true",
    } in balancer["LoadBalancerAttributes"]


def test_without_a_certificate_the_load_balancer_serves_http(assembly: Assembly) -> None:
    listener = assembly.service.only("AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert listener["DefaultActions"][0]["Type"] == "forward"


def test_with_a_certificate_it_serves_https_and_redirects_http(https: StackTemplate) -> None:
    listeners = {
        each["Properties"]["Port"]: each["Properties"]["DefaultActions"][0]
        for each in https.of_type("AWS::ElasticLoadBalancingV2::Listener")
    }
    assert listeners[443]["Type"] == "forward"
    assert listeners[80]["RedirectConfig"] == {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}
    assert https.content["Outputs"][Output.URL]["Value"]["Fn::Join"][1][0] == "https://"


def test_only_the_load_balancer_can_reach_the_tasks(assembly: Assembly) -> None:
    ingress = assembly.service.only("AWS::EC2::SecurityGroupIngress")
    assert (ingress["FromPort"], ingress["ToPort"]) == (CONTAINER_PORT, CONTAINER_PORT)
    assert "SourceSecurityGroupId" in ingress
    assert "CidrIp" not in ingress


def test_tasks_have_a_public_address_only_without_a_nat_gateway(dev: Assembly, prod: Assembly) -> None:
    for assembly, gateways, public in ((dev, 0, "ENABLED"), (prod, 1, "DISABLED")):
        network = assembly.service.only("AWS::ECS::Service")["NetworkConfiguration"]["AwsvpcConfiguration"]
        assert len(assembly.service.of_type("AWS::EC2::NatGateway")) == gateways
        assert network["AssignPublicIp"] == public
        assert len(network["Subnets"]) == 2


def test_tasks_scale_by_cpu_and_by_requests(prod: Assembly) -> None:
    target = prod.service.only("AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 6)
    metrics = {
        each["Properties"]["TargetTrackingScalingPolicyConfiguration"]["PredefinedMetricSpecification"][
            "PredefinedMetricType"
        ]
        for each in prod.service.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
    }
    assert metrics == {"ECSServiceAverageCPUUtilization", "ALBRequestCountPerTarget"}


def test_every_output_of_the_contract_exists_under_its_own_name(assembly: Assembly) -> None:
    assert set(assembly.service.content["Outputs"]) == {str(each) for each in Output}


def test_no_resource_needs_a_lambda_function(assembly: Assembly) -> None:
    types = {each["Type"] for stack in assembly.stacks for each in stack.content["Resources"].values()}
    assert not [each for each in types if "Lambda" in each or "CustomResource" in each or each.startswith("Custom::")]
