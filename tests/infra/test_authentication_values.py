"""An authentication that cannot work is refused where it is written."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from infra.authentication import Cognito, Oidc
from infra.domain import Domain
from infra.environments import PROD
from infra.ingress import Ingress
from infra.network import Networking
from tests.infra.conftest import CERTIFICATE, COGNITO, OIDC


def test_authentication_without_a_domain_is_refused_because_it_needs_https() -> None:
    for plain_http in (False, True):
        with pytest.raises(ValueError, match=r"authentication is set and domain is not: .* HTTPS alone, so set the"):
            Ingress(authentication=OIDC, plain_http=plain_http)


@pytest.mark.parametrize(
    ("network", "internal"),
    [(Networking(endpoints=True), False), (Networking(), True), (Networking(endpoints=True), True)],
)
def test_authentication_without_a_way_to_the_provider_is_refused(network: Networking, *, internal: bool) -> None:
    domain = Domain(name="api.example.com", certificate_arn=CERTIFICATE)
    ingress = Ingress(authentication=OIDC, domain=domain, internal=internal)
    with pytest.raises(
        ValueError, match=r"'prod' has authentication and no way to the internet, .* set nat_gateways=1"
    ):
        replace(PROD, network=network, ingress=ingress)
    assert replace(PROD, network=replace(network, nat_gateways=1), ingress=ingress).ingress.authentication == OIDC


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "http://idp.example.com"}, "issuer 'http://idp.example.com' is malformed: write an https URL"),
        ({"issuer": "idp.example.com"}, "issuer 'idp.example.com' is malformed"),
        ({"token_endpoint": "https://idp.example.com:8443/t"}, "token_endpoint 'https://idp.example.com:8443/t'"),
        ({"token_endpoint": "https://10.0.0.1/t"}, "token_endpoint 'https://10.0.0.1/t' is malformed"),
        ({"authorization_endpoint": "https://idp.example.com/a b"}, "authorization_endpoint"),
        ({"authorization_endpoint": ""}, "authorization_endpoint '' is malformed"),
        ({"user_info_endpoint": "https://idp.example.com/u?x=1"}, "user_info_endpoint"),
        (
            {"user_info_endpoint": "https://worf:sentinel@idp.example.com/"},
            "user_info_endpoint (not shown) is malformed",
        ),
        ({"client_id": "two words"}, "client_id 'two words' is malformed"),
        ({"client_id": ""}, "client_id '' is malformed"),
        ({"scope": "email"}, "scope 'email' is malformed"),
        ({"scope": "openid  email"}, "scope 'openid  email' is malformed"),
        ({"client_secret_name": ""}, "client_secret_name (not shown) is malformed: write the name"),
        ({"client_secret_name": "sentinel secret!"}, "client_secret_name (not shown)"),
        ({"client_secret_name": "x:SecretString:::"}, "client_secret_name (not shown)"),
        ({"client_secret_version": "sentinel"}, "client_secret_version (not shown)"),
    ],
)
def test_an_oidc_value_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        replace(OIDC, **changes)
    assert "sentinel" not in str(error.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"user_pool_arn": "eu-west-1_AbCdEfGhI"},
            "user_pool_arn 'eu-west-1_AbCdEfGhI' is malformed: write for example",
        ),
        ({"user_pool_arn": COGNITO.user_pool_arn.replace(":eu-west-1:", ":us-east-1:")}, "is malformed"),
        ({"client_id": ""}, "client_id '' is malformed"),
        ({"domain": "Cruddur"}, "domain 'Cruddur' is malformed"),
        ({"domain": "https://auth.example.com"}, "domain 'https://auth.example.com' is malformed"),
        ({"scope": ""}, "scope '' is malformed"),
    ],
)
def test_a_cognito_value_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        replace(COGNITO, **changes)


def test_a_custom_domain_and_the_pools_of_other_partitions_are_accepted() -> None:
    assert replace(COGNITO, domain="auth.example.com").domain == "auth.example.com"
    gov = "arn:aws-us-gov:cognito-idp:us-gov-west-1:123456789012:userpool/us-gov-west-1_AbC"
    assert (
        replace(COGNITO, user_pool_arn=gov).issuer
        == "https://cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_AbC"
    )


@pytest.mark.parametrize("value", [OIDC, COGNITO], ids=["oidc", "cognito"])
def test_a_value_cannot_be_changed(value: Oidc | Cognito) -> None:
    with pytest.raises(AttributeError):
        value.client_id = "other"  # type: ignore[misc]  # the assignment that must fail
