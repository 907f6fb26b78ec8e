"""Refer to the application's own Secrets Manager entries, which `make secrets` creates before the first deploy."""

from collections.abc import Mapping

from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct


def application_secrets(scope: Construct, names: Mapping[str, str]) -> Mapping[str, secretsmanager.ISecret]:
    """Return the entry of each variable, by the full names in `names`.

    By name and not as a resource of a stack: one that CloudFormation creates has a value in the template, a placeholder
    that a first task would start with.
    """
    return {
        variable: secretsmanager.Secret.from_secret_name_v2(scope, variable, name) for variable, name in names.items()
    }
