"""Route requests from the internet to the service."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from aws_cdk import Duration
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from aws_cdk.aws_route53_targets import LoadBalancerTarget
from constructs import Construct

from infra.access_logs import AccessLogs
from infra.authentication import Authentication
from infra.cors_origins import CorsOrigins
from infra.domain import Domain
from infra.firewall import Firewall
from infra.listener_authentication import ListenerAuthentication
from infra.network import Network

DRAINING: Final = Duration.seconds(30)
"""Time that a deregistered task has to finish its requests, which take milliseconds; the default of 300 s would slow
down every deployment."""
_HSTS_ATTRIBUTE: Final = "routing.http.response.strict_transport_security.header_value"
"""A listener's attribute ("HTTP header modification for your Application Load Balancer")."""
HSTS: Final = "max-age=31536000"
"""A year. Not for subdomains, which may not be the service's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """Who reaches the service, and how. Raises `ValueError` for a malformed value."""

    domain: Domain | None = None
    """None serves plain HTTP at the load balancer's own name, if `plain_http` allows it."""
    plain_http: bool = False
    """Whether the service may be reached without TLS, where there is no `domain`."""
    internal: bool = False
    """Whether the load balancer has private addresses only."""
    allowed_cidrs: Sequence[str] = ("0.0.0.0/0",)
    """The IPv4 networks that may connect."""
    access_logs: bool = False
    """Whether each request is logged to a bucket: S3's storage, $0.023 per GB-month."""
    firewall: Firewall | None = None
    authentication: Authentication | None = None
    """Who authenticates users, which needs a `domain`; None lets everybody in who may connect."""
    cors: CorsOrigins | None = None
    """The other origins whose pages may call the service; None allows its own alone."""

    def __post_init__(self) -> None:
        if self.authentication is not None and self.domain is None:
            raise ValueError(
                "authentication is set and domain is not: load balancers authenticate users over HTTPS alone, so set "
                "the `domain`, or `authentication` to None"
            )
        if not self.allowed_cidrs or isinstance(self.allowed_cidrs, str):
            raise ValueError(f"allowed_cidrs {self.allowed_cidrs!r} lists no network: write ('203.0.113.0/24',)")
        for cidr in self.allowed_cidrs:
            try:
                ipaddress.IPv4Network(cidr)
            except ValueError as error:
                raise ValueError(f"allowed_cidrs has {cidr!r} ({error}): write for example '203.0.113.0/24'") from error


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
        container_name: str,
        container_port: int,
        health_check_path: str,
        ingress: Ingress,
        deletion_protection: bool,
        access_log_bucket: str,
    ) -> None:
        super().__init__(scope, construct_id)
        target = service.load_balancer_target(container_name=container_name, container_port=container_port)

        self.target_group = elbv2.ApplicationTargetGroup(
            self,
            "Targets",
            vpc=network.vpc,
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
            self,
            "Balancer",
            vpc=network.vpc,
            vpc_subnets=network.load_balancer_subnets,
            internet_facing=not ingress.internal,
            drop_invalid_header_fields=True,
            deletion_protection=deletion_protection,
        )
        domain = ingress.domain
        for port in (80,) if domain is None else (80, 443):
            for cidr in ingress.allowed_cidrs:
                self.balancer.connections.allow_from(ec2.Peer.ipv4(cidr), ec2.Port.tcp(port))
        if ingress.access_logs:
            AccessLogs(self, "AccessLogs", name=access_log_bucket, balancer=self.balancer)
        forward = elbv2.ListenerAction.forward([self.target_group])
        to_https = elbv2.ListenerAction.redirect(protocol="HTTPS", port="443", permanent=True)
        if domain is not None:
            self._serve_https(domain, forward, ingress.authentication)
        # One construct for the port, whatever it does: CloudFormation creates before it deletes, and a port has one
        # listener.
        self.balancer.add_listener(
            "Http",
            port=80,
            protocol=elbv2.ApplicationProtocol.HTTP,
            default_action=forward if domain is None else to_https,
            open=False,
        )
        dns_name = self.balancer.load_balancer_dns_name
        self.url = f"http://{dns_name}" if domain is None else f"https://{domain.name}"

    def _serve_https(
        self, domain: Domain, forward: elbv2.ListenerAction, authentication: Authentication | None
    ) -> None:
        login = None
        if authentication is not None:
            login = ListenerAuthentication(self, "Login", authentication=authentication, forward=forward)
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
