"""Route requests from the internet to the service."""

from __future__ import annotations

from typing import Final, cast

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.aws_route53_targets import LoadBalancerTarget
from constructs import Construct

from infra.application import Application
from infra.authentication import Authentication
from infra.domain import Domain
from infra.findings import CHECKOV, GUARD, NAG, acknowledge
from infra.ingress import ANYWHERE, Ingress
from infra.listener_authentication import ListenerAuthentication
from infra.network import Network

DRAINING: Final = Duration.seconds(30)
"""Time that a deregistered task has to finish its requests, which take milliseconds; the default of 300 s would slow
down every deployment."""
_HSTS_ATTRIBUTE: Final = "routing.http.response.strict_transport_security.header_value"
"""A listener's attribute ("HTTP header modification for your Application Load Balancer")."""
HSTS: Final = "max-age=31536000"
"""A year. Not for subdomains, which may not be the service's."""


class LoadBalancer(Construct):
    """Create an application load balancer: HTTPS and a redirect at a domain, plain HTTP without one.

    Over HTTPS it can authenticate users.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        network: Network,
        service: ecs.FargateService,
        application: Application,
        ingress: Ingress,
        deletion_protection: bool,
        access_log_bucket: str,
    ) -> None:
        super().__init__(scope, construct_id)
        target = service.load_balancer_target(
            container_name=application.container_name, container_port=application.port
        )
        # A load balancer with another scheme is a new one, and a target group has one load balancer: it is new, too.
        self.target_group = _target_group(
            self,
            "InternalTargets" if ingress.internal else "Targets",
            vpc=network.vpc,
            target=target,
            port=application.port,
            path=application.health_check_path,
        )
        self.balancer = self._balancer(network, ingress, access_log_bucket, deletion_protection=deletion_protection)
        forward = elbv2.ListenerAction.forward([self.target_group])
        if ingress.domain is not None:
            self._serve_https(ingress.domain, forward, application, ingress.authentication)
        self._serve_http(ingress.domain, forward)
        dns_name = self.balancer.load_balancer_dns_name
        self.url = f"http://{dns_name}" if ingress.domain is None else f"https://{ingress.domain.name}"

    def _balancer(
        self, network: Network, ingress: Ingress, access_log_bucket: str, *, deletion_protection: bool
    ) -> elbv2.ApplicationLoadBalancer:
        balancer = elbv2.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=network.vpc,
            vpc_subnets=network.load_balancer_subnets,
            internet_facing=not ingress.internal,
            drop_invalid_header_fields=True,
            deletion_protection=deletion_protection,
        )
        for port in (80,) if ingress.domain is None else (80, 443):
            for cidr in ingress.allowed_cidrs:
                balancer.connections.allow_from(ec2.Peer.ipv4(cidr), ec2.Port.tcp(port))
        # Also where they are off: an attribute that a template leaves out keeps its value.
        balancer.set_attribute("access_logs.s3.enabled", str(ingress.access_logs).lower())
        if ingress.access_logs:
            balancer.set_attribute("access_logs.s3.bucket", access_log_bucket)
        _acknowledge(balancer, ingress, deletion_protection=deletion_protection)
        return balancer

    def _serve_http(self, domain: Domain | None, forward: elbv2.ListenerAction) -> None:
        to_https = elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True)
        # One construct for the port, whatever it does: CloudFormation creates before it deletes, and a port has one
        # listener.
        listener = self.balancer.add_listener(
            "Http",
            port=80,
            protocol=elbv2.ApplicationProtocol.HTTP,
            default_action=forward if domain is None else to_https,
            open=False,
        )
        if domain is None:
            acknowledge(
                listener,
                f"{GUARD}alb_http_to_https_redirection_check",
                f"{CHECKOV}CKV_AWS_2",
                f"{CHECKOV}CKV_AWS_103",
                because="Without a domain there is no certificate; an environment says so by `plain_http`.",
            )

    def _serve_https(
        self,
        domain: Domain,
        forward: elbv2.ListenerAction,
        application: Application,
        authentication: Authentication | None,
    ) -> None:
        login = None
        if authentication is not None:
            login = ListenerAuthentication(
                self, "Login", application=application, authentication=authentication, forward=forward
            )
        zone = None
        if domain.hosted_zone is not None:
            zone = route53.HostedZone.from_hosted_zone_attributes(
                self, "Zone", hosted_zone_id=domain.hosted_zone.zone_id, zone_name=domain.hosted_zone.name
            )
            target = route53.RecordTarget.from_alias(LoadBalancerTarget(self.balancer))
            route53.ARecord(self, "Alias", zone=zone, record_name=f"{domain.name}.", target=target)
        listener = self.balancer.add_listener(
            "Https",
            port=443,
            protocol=elbv2.ApplicationProtocol.HTTPS,
            certificates=[self._certificate(domain, zone)],
            ssl_policy=elbv2.SslPolicy.RECOMMENDED_TLS,
            default_action=forward if login is None else login.default_action,
            open=False,
        )
        if login is not None:
            login.add_rules(listener)
        # The construct has no property for it yet.
        resource = cast("elbv2.CfnListener", listener.node.default_child)
        resource.listener_attributes = [elbv2.CfnListener.ListenerAttributeProperty(key=_HSTS_ATTRIBUTE, value=HSTS)]

    def _certificate(self, domain: Domain, zone: route53.IHostedZone | None) -> elbv2.IListenerCertificate:
        if domain.certificate_arn is not None:
            return elbv2.ListenerCertificate.from_arn(domain.certificate_arn)
        validation = acm.CertificateValidation.from_dns(zone)
        certificate = acm.Certificate(self, "Certificate", domain_name=domain.name, validation=validation)
        return elbv2.ListenerCertificate.from_certificate_manager(certificate)


def _acknowledge(balancer: elbv2.ApplicationLoadBalancer, ingress: Ingress, *, deletion_protection: bool) -> None:
    if not ingress.access_logs:
        acknowledge(
            balancer,
            f"{NAG}ELB2",
            f"{GUARD}elbv2_logging_enabled_check",
            f"{CHECKOV}CKV_AWS_91",
            because="`access_logs` of the environment's ingress is off; each request has a line of the service.",
        )
    if not deletion_protection:
        acknowledge(
            balancer,
            f"{GUARD}elbv2_deletion_protection_enabled_check",
            because="The environment is not `protected`: it is meant to be deleted and made anew.",
        )
    if ANYWHERE in ingress.allowed_cidrs:
        [group] = balancer.connections.security_groups
        acknowledge(
            group,
            f"{NAG}EC23",
            f"{CHECKOV}CKV_AWS_260",
            because="The service is meant for everybody; `allowed_cidrs` of the environment's ingress narrows it.",
        )


def _target_group(
    scope: Construct, construct_id: str, *, vpc: ec2.IVpc, target: ecs.IEcsLoadBalancerTarget, port: int, path: str
) -> elbv2.ApplicationTargetGroup:
    return elbv2.ApplicationTargetGroup(
        scope,
        construct_id,
        vpc=vpc,
        port=port,
        protocol=elbv2.ApplicationProtocol.HTTP,
        target_type=elbv2.TargetType.IP,
        targets=[target],
        deregistration_delay=DRAINING,
        health_check=elbv2.HealthCheck(
            path=path,
            healthy_http_codes="200-299",  # as the container's own health check; some applications answer 204
            interval=Duration.seconds(10),
            timeout=Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=3,
        ),
    )
