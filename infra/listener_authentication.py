"""Authenticate users at the load balancer, before their requests reach the service.

The session is a cookie of the load balancer ("Authenticate users using an Application Load Balancer", User Guide).
"""

from typing import Final

from aws_cdk import SecretValue
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk.aws_elasticloadbalancingv2_actions import AuthenticateCognitoAction
from constructs import Construct

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH
from infra.application import Application
from infra.authentication import Authentication, Cognito, Oidc

OPEN_PRIORITY: Final = 10
OPTIONAL_PRIORITY: Final = 20
API_PRIORITY: Final = 30
"""The lowest number is evaluated first, and the default action last; gaps leave room for rules of your own."""


class ListenerAuthentication(Construct):
    """Put an authenticate action before `forward`, by path as the caller can follow a login redirect or not."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        application: Application,
        authentication: Authentication,
        forward: elbv2.ListenerAction,
    ) -> None:
        super().__init__(scope, construct_id)
        self._application = application
        self._authentication = authentication
        self._forward = forward
        if isinstance(authentication, Cognito):
            self._pool = cognito.UserPool.from_user_pool_arn(self, "UserPool", authentication.user_pool_arn)
            self._client = cognito.UserPoolClient.from_user_pool_client_id(self, "Client", authentication.client_id)
            self._domain = cognito.UserPoolDomain.from_domain_name(self, "Domain", authentication.domain)

        self.default_action = self._authenticate(elbv2.UnauthenticatedAction.AUTHENTICATE)
        """For pages: a browser that navigates follows the redirect to the login, and comes back to where it was."""

    def add_rules(self, listener: elbv2.ApplicationListener) -> None:
        """Add the rules of the paths that no login redirect can serve."""
        login = self._application.login
        # Monitoring has no account. The assets are public code: a script or style sheet that were redirected to another
        # origin would break the page of a session that has just ended, and caches would keep them for one user each.
        health_checks = dict.fromkeys((self._application.health_check_path, RUNTIME_HEALTH_CHECK_PATH))
        _add_rule(listener, "Open", OPEN_PRIORITY, [*health_checks, *login.open_paths], self._forward)
        # Such as the relay: spans are sent in the background, by keepalive requests and by front ends of other origins,
        # whose preflights carry no cookie, so that to deny them would lose the spans of the very moment in which a
        # session ends. The relay limits strangers itself, and gets the user's claims where there is a session.
        # Its id is the first such path's: with another one it is a new rule, whose priority would still be taken.
        if login.optional_paths:
            optional = self._authenticate(elbv2.UnauthenticatedAction.ALLOW)
            _add_rule(listener, "Relay", OPTIONAL_PRIORITY, list(login.optional_paths), optional)
        # A fetch() cannot follow the redirect to another origin's login: it would fail without a status, and each such
        # call would start a login of its own. A 401 tells the page that the session has ended.
        if login.api_paths:
            api = self._authenticate(elbv2.UnauthenticatedAction.DENY)
            _add_rule(listener, "Api", API_PRIORITY, list(login.api_paths), api)

    def _authenticate(self, unauthenticated: elbv2.UnauthenticatedAction) -> elbv2.ListenerAction:
        # Both constructs also let the load balancer's security group out to port 443, where the provider's token and
        # user info endpoints are.
        authentication = self._authentication
        if isinstance(authentication, Oidc):
            return elbv2.ListenerAction.authenticate_oidc(
                issuer=authentication.issuer,
                authorization_endpoint=authentication.authorization_endpoint,
                token_endpoint=authentication.token_endpoint,
                user_info_endpoint=authentication.user_info_endpoint,
                client_id=authentication.client_id,
                client_secret=_client_secret(authentication),
                scope=authentication.scope,
                on_unauthenticated_request=unauthenticated,
                next=self._forward,
            )
        return AuthenticateCognitoAction(
            user_pool=self._pool,
            user_pool_client=self._client,
            user_pool_domain=self._domain,
            scope=authentication.scope,
            on_unauthenticated_request=unauthenticated,
            next=self._forward,
        )


def _client_secret(oidc: Oidc) -> SecretValue:
    """Return a dynamic reference, which CloudFormation resolves: the template never has the secret."""
    return SecretValue.secrets_manager(oidc.client_secret_name, version_id=oidc.client_secret_version)


def _add_rule(
    listener: elbv2.ApplicationListener,
    construct_id: str,
    priority: int,
    paths: list[str],
    action: elbv2.ListenerAction,
) -> None:
    condition = elbv2.ListenerCondition.path_patterns(paths)
    listener.add_action(construct_id, priority=priority, conditions=[condition], action=action)
