"""Delete what `make destroy` leaves of an environment that keeps its data: secrets, log groups and access logs.

A secret that is deleted in the console keeps its name for up to 30 days, in which the environment cannot be deployed
again ("DeleteSecret", AWS Secrets Manager API Reference): here the name is free at once, and the key is gone for good.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any, Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.environments import ENVIRONMENTS
from infra.names import Names
from operations.deployment import aws_session
from operations.errors import OperatorError, without_credentials
from operations.selection import selected_names

_GONE: Final = "DELETE_COMPLETE"
_INSIGHTS: Final = "/aws/ecs/containerinsights/{stack}-"
"""The beginning of the group that Container Insights creates, and never deletes; the rest is the cluster's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """List what is left of the environment, ask for its name, and delete it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m operations.forget", description=__doc__)
    parser.add_argument(
        "--environment", required=True, choices=ENVIRONMENTS, help="the environment of infra/environments.py to forget"
    )
    environment: str = parser.parse_args(arguments).environment
    try:
        names = selected_names(environment, tutorial=ENVIRONMENTS[environment].tutorial_names)
        return _forget(aws_session(), names)
    except OperatorError as error:
        return _fail(f"{error.problem}\n{error.remedy}.")
    except (BotoCoreError, ClientError) as error:
        return _fail(f"{error}\nCheck that your credentials are those of {environment!r}, and may delete its data.")


def _forget(session: boto3.Session, names: Names) -> int:
    environment, own = names.environment, {names.observability_stack, names.service_stack}
    if remaining := own & _stacks(session):
        problem = f"The stack {min(remaining)} still exists"
        raise OperatorError(problem, f"Run `make destroy ENV={environment}` first, and wait until it is through")
    secrets = _secrets(session, names)
    groups = _log_groups(session, names)
    account = session.client("sts").get_caller_identity()["Account"]
    buckets = _buckets(session, names, account)
    if not secrets and not groups and not buckets:
        sys.stdout.write(f"Nothing is left of {environment}.\n")
        return 0
    where = f"account {account}, region {session.region_name}"
    sys.stdout.write(f"Left of {environment} in {where}, to be deleted for good:\n")
    sys.stdout.writelines([f"  secret {name}\n" for name in secrets] + [f"  log group {name}\n" for name in groups])
    sys.stdout.writelines(f"  bucket {name} and the access logs in it\n" for name in buckets)
    sys.stdout.write(f"Type {environment} to delete them: ")
    sys.stdout.flush()
    if sys.stdin.readline().strip() != environment:
        return _fail("\nNothing is deleted: that is not its name.")
    for name in secrets:
        session.client("secretsmanager").delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    for name in groups:
        session.client("logs").delete_log_group(logGroupName=name)
    for name in buckets:
        bucket = session.resource("s3").Bucket(name)
        bucket.objects.all().delete()
        bucket.delete()
    sys.stdout.write(
        f"\nDeleted. {environment} can be deployed anew. What stays is the CDK's: the stack CDKToolkit, its bucket\n"
        "and the images in its repository, which other apps of the account may use; and a KMS key, if there was one.\n"
    )
    return 0


def _stacks(session: boto3.Session) -> set[str]:
    pages = session.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {each["StackName"] for page in pages for each in page["Stacks"] if each["StackStatus"] != _GONE}


def _secrets(session: boto3.Session, names: Names) -> list[str]:
    """Return the names of the secrets that exist, also of those that are scheduled to be deleted."""
    client: Any = session.client("secretsmanager")
    found = []
    for name in names.secrets.values():
        try:
            client.describe_secret(SecretId=name)
        except client.exceptions.ResourceNotFoundException:
            continue
        found.append(name)
    return found


def _log_groups(session: boto3.Session, names: Names) -> list[str]:
    insights, own = _INSIGHTS.format(stack=names.service_stack), names.log_group
    paginator = session.client("logs").get_paginator("describe_log_groups")
    pages = [page for prefix in (insights, own) for page in paginator.paginate(logGroupNamePrefix=prefix)]
    groups = [each["logGroupName"] for page in pages for each in page["logGroups"]]
    return [name for name in groups if name == own or name.startswith(insights)]


def _buckets(session: boto3.Session, names: Names, account: str) -> list[str]:
    name = names.access_log_bucket(account, session.region_name)
    return [each["Name"] for each in session.client("s3").list_buckets()["Buckets"] if each["Name"] == name]


def _fail(message: str) -> int:
    sys.stderr.write(f"{without_credentials(message)}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
