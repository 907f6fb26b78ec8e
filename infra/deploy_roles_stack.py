"""Compose the stack of an account's deploy roles: GitHub's identity provider and the roles of the workflows."""

from typing import Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.context import DeployRolesContext
from infra.deploy_roles import DeployRole, DiffRole
from infra.github_oidc import GitHubJobs, GitHubProvider
from service.contract import APP_NAME

NAME: Final = f"{APP_NAME}-DeployRoles"


class DeployRolesStack(Stack):
    """Hold a role per environment for its deploys, and one for the comparisons of pull requests."""

    def __init__(self, scope: Construct, construct_id: str, *, context: DeployRolesContext) -> None:
        super().__init__(
            scope, construct_id, description=f"{APP_NAME}: roles of GitHub Actions, for {context.repository}"
        )
        jobs = GitHubJobs(
            GitHubProvider(self, "GitHub", existing=context.existing_provider), repository=context.repository
        )
        boundary = self._boundary(context.permissions_boundary)
        for environment in context.environments:
            role = DeployRole(
                self,
                f"{environment.name.title()}Deploy",
                environment_name=environment.name,
                trusted=jobs.of_environment(environment.name, branch=context.branch),
                permissions_boundary=boundary,
            )
            self._output(f"{environment.name.title()}DeployRole", role)
        self._output("DiffRole", DiffRole(self, "Diff", trusted=jobs.of_pull_requests(), permissions_boundary=boundary))

    def _boundary(self, arn: str | None) -> iam.IManagedPolicy | None:
        return iam.ManagedPolicy.from_managed_policy_arn(self, "Boundary", arn) if arn else None

    def _output(self, name: str, role: iam.IRole) -> None:
        CfnOutput(self, f"{name}Arn", value=role.role_arn).override_logical_id(f"{name}Arn".replace("-", ""))
