"""Route requests from the internet to the service."""

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

DRAINING: Final = Duration.seconds(30)
"""Time that a deregistered task has to finish its requests, which take milliseconds; the default of 300 s would slow
down every deployment."""


class LoadBalancer(Construct):
    """Create an application load balancer: HTTPS and a redirect with a certificate, plain HTTP without one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        service: ecs.FargateService,
        container_name: str,
        container_port: int,
        health_check_path: str,
        certificate_arn: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        target = service.load_balancer_target(container_name=container_name, container_port=container_port)

        self.target_group = elbv2.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=vpc,
            port=container_port,
            protocol=elbv2.ApplicationProtocol.HTTP,
            target_type=elbv2.TargetType.IP,
            targets=[target],
            deregistration_delay=DRAINING,
            health_check=elbv2.HealthCheck(
                path=health_check_path,
                interval=Duration.seconds(10),
                timeout=Duration.seconds(5),
                healthy_threshold_count=2,
                unhealthy_threshold_count=3,
            ),
        )
        self.balancer = elbv2.ApplicationLoadBalancer(
            self, "Balancer", vpc=vpc, internet_facing=True, drop_invalid_header_fields=True
        )
        _add_listener(self.balancer, self.target_group, certificate_arn)
        scheme = "https" if certificate_arn else "http"
        self.url = f"{scheme}://{self.balancer.load_balancer_dns_name}"


def _add_listener(
    balancer: elbv2.ApplicationLoadBalancer, targets: elbv2.ApplicationTargetGroup, certificate_arn: str | None
) -> None:
    if certificate_arn is None:
        balancer.add_listener("Http", port=80, protocol=elbv2.ApplicationProtocol.HTTP, default_target_groups=[targets])
        return
    balancer.add_listener(
        "Https",
        port=443,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        certificates=[elbv2.ListenerCertificate.from_arn(certificate_arn)],
        ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
        default_target_groups=[targets],
    )
    balancer.add_redirect()
