"""Compose the stack of an account's deploy roles: GitHub's identity provider and the roles of the workflows."""

from aws_cdk import CfnOutput, DefaultStackSynthesizer, PermissionsBoundary, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.context import DeployRolesContext
from infra.deploy_roles import DeployRole, DiffRole
from infra.github_oidc import GitHubJobs, GitHubProvider
from infra.names import Names
from infra.verify_role import VerifyRole


class DeployRolesStack(Stack):
    """Hold two roles per environment, to deploy and to verify it, and one for the comparisons of pull requests."""

    def __init__(self, scope: Construct, construct_id: str, *, context: DeployRolesContext) -> None:
        account = context.account
        boundary = account.permissions_boundary
        super().__init__(
            scope,
            construct_id,
            description=f"{context.application.name}: roles of GitHub Actions, for {context.repository}",
            tags={
                "service": context.application.service_name,
                "owner": account.owner or context.application.slug,
            },
            permissions_boundary=PermissionsBoundary.from_name(boundary) if boundary else None,
            synthesizer=DefaultStackSynthesizer(qualifier=account.bootstrap_qualifier),
        )
        provider = GitHubProvider(self, "GitHub", existing=context.existing_provider)
        jobs = GitHubJobs(provider, repository=context.repository)
        for environment in context.environments:
            name, names = environment.name.title(), Names(context.application, environment.name)
            trusted = jobs.of_environment(environment.name, branch=context.branch)
            role = DeployRole(
                self,
                f"{name}Deploy",
                environment=environment,
                names=names,
                trusted=trusted,
            )
            self._output(f"{name}DeployRoleArn", role)
            verify_role = VerifyRole(self, f"{name}Verify", names=names, trusted=trusted)
            self._output(f"{name}VerifyRoleArn", verify_role)
        trusted = jobs.of_pull_requests()
        self._output("DiffRoleArn", DiffRole(self, "Diff", environments=context.environments, trusted=trusted))

    def _output(self, name: str, role: iam.IRole) -> None:
        CfnOutput(self, name, value=role.role_arn).override_logical_id(name.replace("-", ""))
