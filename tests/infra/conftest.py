from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import pytest
from aws_cdk import App, Stack

from infra.authentication import Authentication, Cognito, Oidc
from infra.domain import Domain, HostedZone
from infra.environments import ENVIRONMENTS, PROD
from tests.infra.assembly import PLAIN_IMAGE, Assembly, StackTemplate, synthesize
from tests.infra.variants import VARIANTS, Variant

UNKNOWN_ENVIRONMENT = "-".join(ENVIRONMENTS)
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/0a1b2c3d-0000-4000-8000-000000000000"
OIDC = Oidc(
    issuer="https://idp.example.com/",
    authorization_endpoint="https://idp.example.com/authorize",
    token_endpoint="https://idp.example.com/oauth/token",
    user_info_endpoint="https://idp.example.com/userinfo",
    client_id="cruddur-client",
    client_secret_name="prod/cruddur/oidc-client-secret",
    scope="openid email",
)
COGNITO = Cognito(
    user_pool_arn="arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEfGhI",
    client_id="4mpleclientid",
    domain="cruddur",
)
ZONE = HostedZone(zone_id="Z0123456789ABCDEFGHIJ", name="example.com")


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Assembly]:
    """Synthesize an environment, once per set of context values."""

    @cache
    def once(environment: str, **context: str) -> Assembly:
        return synthesize(tmp_path_factory.mktemp(f"cdk-{environment}"), environment, **context)

    return once


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def assembly(request: pytest.FixtureRequest, synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized(request.param, image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def dev(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("dev", image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def prod(synthesized: Callable[..., Assembly]) -> Assembly:
    return synthesized("prod", image=PLAIN_IMAGE)


@pytest.fixture(scope="session")
def variant(tmp_path_factory: pytest.TempPathFactory) -> Variant:
    """Synthesize one of `VARIANTS`, once."""

    @cache
    def once(name: str) -> Assembly:
        environment = VARIANTS[name]
        with patch.dict(ENVIRONMENTS, {environment.name: environment}):
            return synthesize(tmp_path_factory.mktemp(name), environment.name, image=PLAIN_IMAGE)

    return once


@pytest.fixture(scope="session")
def https(tmp_path_factory: pytest.TempPathFactory) -> StackTemplate:
    """The service stack of production at a domain whose zone is elsewhere."""
    domain = Domain(name="api.example.com", certificate_arn=CERTIFICATE)
    with patch.dict(ENVIRONMENTS, prod=replace(PROD, ingress=replace(PROD.ingress, domain=domain))):
        return synthesize(tmp_path_factory.mktemp("cdk-https"), "prod", image=PLAIN_IMAGE, plain_http="no").service


@pytest.fixture(scope="session")
def in_zone(tmp_path_factory: pytest.TempPathFactory) -> StackTemplate:
    """The service stack of production at a domain of a hosted zone."""
    domain = Domain(name="api.example.com", hosted_zone=ZONE)
    with patch.dict(ENVIRONMENTS, prod=replace(PROD, ingress=replace(PROD.ingress, domain=domain))):
        return synthesize(tmp_path_factory.mktemp("cdk-zone"), "prod", image=PLAIN_IMAGE, plain_http="no").service


def with_login(folder: Path, authentication: Authentication, **context: str) -> StackTemplate:
    """Synthesize the service stack of production at a domain where users log in."""
    domain = Domain(name="api.example.com", certificate_arn=CERTIFICATE)
    ingress = replace(PROD.ingress, domain=domain, authentication=authentication)
    with patch.dict(ENVIRONMENTS, prod=replace(PROD, ingress=ingress)):
        return synthesize(folder, "prod", image=PLAIN_IMAGE, plain_http="no", **context).service


@pytest.fixture(scope="session")
def oidc(tmp_path_factory: pytest.TempPathFactory) -> StackTemplate:
    return with_login(tmp_path_factory.mktemp("cdk-oidc"), OIDC)


@pytest.fixture(scope="session")
def cognito(tmp_path_factory: pytest.TempPathFactory) -> StackTemplate:
    return with_login(tmp_path_factory.mktemp("cdk-cognito"), COGNITO)


@pytest.fixture(params=["oidc", "cognito"])
def login(request: pytest.FixtureRequest) -> StackTemplate:
    """The service stack with each kind of authentication."""
    template: StackTemplate = request.getfixturevalue(request.param)
    return template


@pytest.fixture
def stack() -> Stack:
    """An empty stack for a single construct."""
    return Stack(App(analytics_reporting=False), "Test")


@pytest.fixture(scope="session")
def with_asset(synthesized: Callable[..., Assembly]) -> Assembly:
    """Production with the image as an asset, built from `service/Dockerfile` by `cdk deploy`."""
    return synthesized("prod")
