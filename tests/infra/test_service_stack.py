"""The template of the service stack."""

from flask_onetrace.contract import (
    CONTAINER_PORT,
    STOP_TIMEOUT_SECONDS,
    XRAY_DAEMON_CONTAINER_NAME,
    XRAY_DAEMON_PORT,
    Output,
)
from infra.application import RUNTIME_HEALTH_COMMAND
from tests.infra.assembly import Assembly, StackTemplate
from tests.infra.conftest import ZONE
from tests.sample import CRUDDUR, names_of


def test_a_version_that_is_unhealthy_or_fires_an_alarm_is_rolled_back_while_the_old_one_serves(
    assembly: Assembly,
) -> None:
    service = assembly.service.only("AWS::ECS::Service")
    assert service["DeploymentConfiguration"] == {
        "Alarms": {
            "AlarmNames": [names_of(assembly.environment).resource(alarm) for alarm in ("5xx-share", "p99")],
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
    assert assembly.service.container(CRUDDUR.container_name)["MountPoints"] == [
        {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "scratch"}  # noqa: S108 - the mount itself
    ]


def test_the_flask_container_has_time_to_flush_and_a_health_check(assembly: Assembly) -> None:
    container = assembly.service.container(CRUDDUR.container_name)
    assert container["StopTimeout"] == STOP_TIMEOUT_SECONDS
    assert container["HealthCheck"]["Command"] == ["CMD", *RUNTIME_HEALTH_COMMAND]
    assert container["Essential"] is True


def test_the_flask_container_stops_before_the_daemon_that_takes_its_last_segments(assembly: Assembly) -> None:
    containers = assembly.service.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    depends = {each["Name"]: each.get("DependsOn") for each in containers}
    assert depends == {
        CRUDDUR.container_name: [{"Condition": "START", "ContainerName": XRAY_DAEMON_CONTAINER_NAME}],
        XRAY_DAEMON_CONTAINER_NAME: None,
    }


def test_the_flask_container_gets_the_cpu_that_the_daemon_leaves(assembly: Assembly) -> None:
    task = assembly.service.only("AWS::ECS::TaskDefinition")
    shares = {each["Name"]: each["Cpu"] for each in task["ContainerDefinitions"]}
    assert sum(shares.values()) == int(task["Cpu"])
    assert shares[CRUDDUR.container_name] > 5 * shares[XRAY_DAEMON_CONTAINER_NAME]


def test_the_daemon_is_started_again_and_buffers_less_than_its_memory(assembly: Assembly) -> None:
    daemon = assembly.service.container(XRAY_DAEMON_CONTAINER_NAME)
    assert daemon["RestartPolicy"] == {"Enabled": True, "RestartAttemptPeriod": 60}
    buffer = int(daemon["Command"][daemon["Command"].index("--buffer-memory") + 1])
    assert buffer <= daemon["Memory"] // 2


def test_the_daemon_is_not_essential_and_receives_segments_by_udp(assembly: Assembly) -> None:
    daemon = assembly.service.container(XRAY_DAEMON_CONTAINER_NAME)
    assert daemon["Essential"] is False
    assert daemon["PortMappings"] == [{"ContainerPort": XRAY_DAEMON_PORT, "Protocol": "udp"}]
    assert daemon["Image"].startswith("public.ecr.aws/xray/aws-xray-daemon:3.")


def test_a_containers_output_never_blocks_it(assembly: Assembly) -> None:
    for name in (CRUDDUR.container_name, XRAY_DAEMON_CONTAINER_NAME):
        options = assembly.service.container(name)["LogConfiguration"]["Options"]
        assert (options["mode"], options["max-buffer-size"]) == ("non-blocking", "4194304b")


def test_container_output_goes_to_a_group_of_its_own_and_outlives_a_weekend(assembly: Assembly) -> None:
    days = {"local": 1, "dev": 7, "prod": 14}[assembly.environment]
    groups = assembly.service.of_type("AWS::Logs::LogGroup")
    assert [each["Properties"] for each in groups] == [{"RetentionInDays": days}] * len(groups)
    driver = assembly.service.container(CRUDDUR.container_name)["LogConfiguration"]["Options"]
    assert driver["awslogs-group"]["Ref"] in assembly.service.ids_of_type("AWS::Logs::LogGroup")


def test_the_load_balancer_checks_the_services_health_and_drops_malformed_headers(assembly: Assembly) -> None:
    targets = assembly.service.only("AWS::ElasticLoadBalancingV2::TargetGroup")
    assert (targets["HealthCheckPath"], targets["Port"]) == (CRUDDUR.health_check_path, CONTAINER_PORT)
    assert targets["Matcher"] == {"HttpCode": "200-299"}
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "30"} in targets["TargetGroupAttributes"]
    balancer = assembly.service.only("AWS::ElasticLoadBalancingV2::LoadBalancer")
    assert {
        "Key": "routing.http.drop_invalid_header_fields.enabled",
        "Value": "true",
    } in balancer["LoadBalancerAttributes"]


def test_without_a_certificate_the_load_balancer_serves_http(dev: Assembly) -> None:
    listener = dev.service.only("AWS::ElasticLoadBalancingV2::Listener")
    assert (listener["Port"], listener["Protocol"]) == (80, "HTTP")
    assert listener["DefaultActions"][0]["Type"] == "forward"


def test_at_a_domain_it_serves_https_and_redirects_http(https: StackTemplate) -> None:
    listeners = {
        each["Properties"]["Port"]: each["Properties"]["DefaultActions"][0]
        for each in https.of_type("AWS::ElasticLoadBalancingV2::Listener")
    }
    assert listeners[443]["Type"] == "forward"
    assert listeners[80]["RedirectConfig"] == {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}
    assert https.content["Outputs"][Output.URL]["Value"] == "https://api.example.com"
    assert "Fn::GetAtt" in https.content["Outputs"][Output.LOAD_BALANCER_DNS_NAME]["Value"]
    assert not https.of_type("AWS::Route53::RecordSet")


def test_over_tls_browsers_are_told_to_keep_to_it(https: StackTemplate, prod: Assembly) -> None:
    attributes = {
        each["Properties"]["Port"]: each["Properties"].get("ListenerAttributes")
        for each in https.of_type("AWS::ElasticLoadBalancingV2::Listener")
    }
    name = "routing.http.response.strict_transport_security.header_value"
    assert attributes == {443: [{"Key": name, "Value": "max-age=31536000"}], 80: None}
    assert "ListenerAttributes" not in prod.service.only("AWS::ElasticLoadBalancingV2::Listener")


def test_moving_to_a_domain_and_back_changes_the_listener_of_port_80_and_replaces_none(
    https: StackTemplate, in_zone: StackTemplate, prod: Assembly
) -> None:
    def by_port(template: StackTemplate) -> dict[int, str]:
        ids = template.ids_of_type("AWS::ElasticLoadBalancingV2::Listener")
        return {template.content["Resources"][each]["Properties"]["Port"]: each for each in ids}

    assert by_port(https) == by_port(in_zone)
    assert by_port(prod.service) == {80: by_port(https)[80]}


def test_in_a_hosted_zone_the_domain_gets_its_record_and_a_certificate_that_dns_validates(
    in_zone: StackTemplate,
) -> None:
    record = in_zone.only("AWS::Route53::RecordSet")
    assert (record["Name"], record["Type"], record["HostedZoneId"]) == ("api.example.com.", "A", ZONE.zone_id)
    assert "DNSName" in record["AliasTarget"]
    certificate = in_zone.only("AWS::CertificateManager::Certificate")
    assert (certificate["DomainName"], certificate["ValidationMethod"]) == ("api.example.com", "DNS")
    assert certificate["DomainValidationOptions"] == [{"DomainName": "api.example.com", "HostedZoneId": ZONE.zone_id}]
    assert in_zone.content["Outputs"][Output.URL]["Value"] == "https://api.example.com"


def test_public_subnets_give_no_address_to_what_asks_for_none(assembly: Assembly) -> None:
    subnets = assembly.service.of_type("AWS::EC2::Subnet")
    assert [each["Properties"]["MapPublicIpOnLaunch"] for each in subnets] == [False] * len(subnets)


def test_only_the_load_balancer_can_reach_the_tasks(assembly: Assembly) -> None:
    ingress = assembly.service.only("AWS::EC2::SecurityGroupIngress")
    assert (ingress["FromPort"], ingress["ToPort"]) == (CONTAINER_PORT, CONTAINER_PORT)
    assert "SourceSecurityGroupId" in ingress
    assert "CidrIp" not in ingress


def test_tasks_have_a_public_address_only_without_a_nat_gateway(dev: Assembly, prod: Assembly) -> None:
    for assembly, gateways, public in ((dev, 0, "ENABLED"), (prod, 2, "DISABLED")):
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
