"""Describe who authenticates the users of a service: an OpenID Connect provider, or an Amazon Cognito user pool.

The fields are those of `AuthenticateOidcActionConfig` and `AuthenticateCognitoActionConfig` (Elastic Load Balancing API
Reference). In the provider, allow the redirect URL `https://<domain>/oauth2/idpresponse`.
"""

import re
from dataclasses import dataclass
from typing import Final

from infra.domain import is_domain_name

_URL: Final = re.compile(r"https://(?P<host>[a-z0-9.-]+)(?:/[A-Za-z0-9._~!$&'()*+,;=:%/-]*)?")
"""Without a port, as the load balancer's security group lets it out to 443 alone, and without query and fragment."""
_CLIENT_ID: Final = re.compile(r"[!-~]{1,255}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]+(?: [!#-\[\]-~]+)*")
"""`scope` in "The OAuth 2.0 Authorization Framework", RFC 6749, appendix A.4."""
_SECRET_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
"""`Name` of `CreateSecret` (AWS Secrets Manager API Reference)."""
_VERSION_ID: Final = re.compile(r"[A-Za-z0-9-]{32,64}")
"""`VersionId` of `GetSecretValue` (AWS Secrets Manager API Reference)."""
_USER_POOL_ARN: Final = re.compile(
    r"arn:aws[a-z-]*:cognito-idp:(?P<region>[a-z0-9-]+):\d{12}:userpool/(?P=region)_[A-Za-z0-9]+"
)
_DOMAIN_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""`Domain` of `CreateUserPoolDomain` (Amazon Cognito User Pools API Reference)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """An OpenID Connect provider, by the endpoints of its discovery document, and the service's client there.

    The client secret is the whole value of the Secrets Manager entry `client_secret_name`, in the stacks' own account
    and region, which must exist before the deployment. CloudFormation reads it when it creates or updates the listener:
    after a rotation, set `client_secret_version` to the new version's id.
    Raises `ValueError` for a malformed value.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    user_info_endpoint: str
    client_id: str
    client_secret_name: str
    client_secret_version: str | None = None
    scope: str = "openid"

    def __post_init__(self) -> None:
        for field in ("issuer", "authorization_endpoint", "token_endpoint", "user_info_endpoint"):
            _check_url(field, getattr(self, field))
        _check_client_id(self.client_id)
        _check_scope(self.scope)
        # Neither of these values is shown: the secret itself may have been pasted in its place.
        if not _SECRET_NAME.fullmatch(self.client_secret_name):
            raise ValueError(
                "client_secret_name (not shown) is malformed: write the name of the Secrets Manager entry that holds "
                "the client secret, for example 'prod/orders/oidc-client-secret'"
            )
        version = self.client_secret_version
        if version is not None and not _VERSION_ID.fullmatch(version):
            raise ValueError(
                "client_secret_version (not shown) is malformed: write the VersionId that "
                "`aws secretsmanager describe-secret` lists, or None for the current one"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cognito:
    """An Amazon Cognito user pool, its app client, which must have a client secret, and its domain.

    `domain` is the prefix of a Cognito domain, `orders`, or a custom domain, `auth.example.com`. The load balancer
    gets the client secret from Cognito. Raises `ValueError` for a malformed value.
    """

    user_pool_arn: str
    client_id: str
    domain: str
    scope: str = "openid"

    def __post_init__(self) -> None:
        if not _USER_POOL_ARN.fullmatch(self.user_pool_arn):
            raise ValueError(
                f"user_pool_arn {self.user_pool_arn!r} is malformed: write for example "
                "'arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_AbCdEfGhI'"
            )
        _check_client_id(self.client_id)
        _check_scope(self.scope)
        if not (_DOMAIN_PREFIX.fullmatch(self.domain) or is_domain_name(self.domain)):
            raise ValueError(
                f"domain {self.domain!r} is malformed: write the prefix of a Cognito domain, for example 'orders', or "
                "a custom domain, for example 'auth.example.com'"
            )

    @property
    def issuer(self) -> str:
        """The `iss` of the pool's tokens ("Verifying JSON web tokens", Amazon Cognito Developer Guide)."""
        _, partition, _, region, _, pool = self.user_pool_arn.split(":")
        suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
        return f"https://cognito-idp.{region}.{suffix}/{pool.removeprefix('userpool/')}"


Authentication = Oidc | Cognito


def _check_url(field: str, value: str) -> None:
    url = _URL.fullmatch(value)
    if url is None or not is_domain_name(url["host"]):
        # The user information of a URL is a credential.
        shown = "(not shown)" if "@" in value else repr(value)
        raise ValueError(
            f"{field} {shown} is malformed: write an https URL without port, query and fragment, as in the provider's "
            "/.well-known/openid-configuration, for example 'https://idp.example.com/oauth2/token'"
        )


def _check_client_id(value: str) -> None:
    if not _CLIENT_ID.fullmatch(value):
        raise ValueError(f"client_id {value!r} is malformed: write the id of the client that the provider shows")


def _check_scope(value: str) -> None:
    if not _SCOPE.fullmatch(value) or "openid" not in value.split(" "):
        raise ValueError(
            f"scope {value!r} is malformed: write names with one space between them, 'openid' among them, for example "
            "'openid email'"
        )
