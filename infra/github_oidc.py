"""Trust the OpenID Connect tokens that GitHub Actions issues to the jobs of one repository."""

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER: Final = "token.actions.githubusercontent.com"
AUDIENCE: Final = "sts.amazonaws.com"
"""The audience that aws-actions/configure-aws-credentials requests."""


class GitHubProvider(Construct):
    """Create GitHub's identity provider, or refer to the one that the account has: it can have one per issuer."""

    def __init__(self, scope: Construct, construct_id: str, *, existing: bool) -> None:
        super().__init__(scope, construct_id)
        self.arn: str = self._existing_arn() if existing else self._create().oidc_provider_arn

    def _create(self) -> iam.OidcProviderNative:
        # Without a thumbprint: IAM verifies GitHub's certificate by its own library of root CAs ("Obtain the
        # thumbprint for an OpenID Connect identity provider", IAM User Guide).
        return iam.OidcProviderNative(self, "Provider", url=f"https://{ISSUER}", client_ids=[AUDIENCE])

    def _existing_arn(self) -> str:
        stack = Stack.of(self)
        return f"arn:{stack.partition}:iam::{stack.account}:oidc-provider/{ISSUER}"


class GitHubJobs:
    """The jobs of one repository as principals of a role's trust policy.

    A job with an environment has the subject `repo:<repository>:environment:<name>`, one for a pull request
    `repo:<repository>:pull_request` ("Example subject claims", OpenID Connect reference, GitHub Docs). All values are
    compared as a whole (`StringEquals`): a wildcard would match repositories that have yet to be created.
    """

    def __init__(self, provider: GitHubProvider, *, repository: str) -> None:
        self._provider_arn = provider.arn
        self._subject = f"repo:{repository}"

    def of_environment(self, name: str, *, branch: str) -> iam.IPrincipal:
        """Return the jobs of a GitHub environment that run for a branch.

        The subject has no branch where it has an environment, so that the claim `ref` is compared too: STS has it as a
        condition key since January 2026 ("Available keys for AWS OIDC federation", IAM User Guide).
        """
        return self._principal(sub=f"{self._subject}:environment:{name}", ref=f"refs/heads/{branch}")

    def of_pull_requests(self) -> iam.IPrincipal:
        """Return the jobs of pull requests. GitHub issues no token to those from forks."""
        return self._principal(sub=f"{self._subject}:pull_request")

    def _principal(self, **claims: str) -> iam.IPrincipal:
        conditions = {f"{ISSUER}:{claim}": value for claim, value in {"aud": AUDIENCE, **claims}.items()}
        return iam.WebIdentityPrincipal(self._provider_arn, {"StringEquals": conditions})
