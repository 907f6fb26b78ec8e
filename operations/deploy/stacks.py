"""Read the state of the environment's stacks and which resources failed, and name how to recover from a state.

Sources: "Stack status codes" and "Troubleshooting CloudFormation", AWS CloudFormation User Guide.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from infra.names import Names
from operations.deploy.clients import Client
from operations.deploy.reader import error_code
from operations.deployment import NO_SUCH_STACK
from operations.selection import make_variables

IN_PROGRESS: Final = "_IN_PROGRESS"
REVIEW: Final = "REVIEW_IN_PROGRESS"

NOTES: Final = {
    REVIEW: "it has a change set that nobody executed and no resource; this deploy creates it",
    "ROLLBACK_COMPLETE": "its first deploy failed; the CDK deletes it and creates it anew",
    "ROLLBACK_FAILED": "its first deploy failed, and so did the rollback; the CDK deletes what is left of it and"
    " creates it anew. If that fails: aws cloudformation delete-stack --stack-name {stack}"
    " --deletion-mode FORCE_DELETE_STACK",
}
"""States that the CDK handles by itself (`deployStack` in aws-cdk 2.1148)."""
RECOVERY: Final = {
    "UPDATE_ROLLBACK_FAILED": "Repair what keeps CloudFormation from rolling back, then run: aws cloudformation"
    " continue-update-rollback --stack-name {stack}\nTo leave out a resource that cannot be rolled back, add"
    " --resources-to-skip <logical id>. Then run make deploy {variables}",
    "UPDATE_FAILED": "Rollback was disabled. Roll back: aws cloudformation rollback-stack --stack-name {stack}",
    "CREATE_FAILED": "Rollback was disabled. Delete the stack: make destroy {variables}",
    "DELETE_FAILED": "Delete the rest: make destroy {variables}, or: aws cloudformation delete-stack"
    " --stack-name {stack} --deletion-mode FORCE_DELETE_STACK",
}
"""States in which CloudFormation rejects an update."""
WAIT: Final = (
    "CloudFormation is at work on it, for someone else or for a deploy that was interrupted. Follow it: aws"
    " cloudformation describe-stack-events --stack-name {stack}\nThen run make deploy {variables}"
)
CANCEL: Final = "\nTo cancel that update and roll it back: aws cloudformation cancel-update-stack --stack-name {stack}"


class Stack(NamedTuple):
    """A stack that exists."""

    name: str
    status: str
    reason: str
    outputs: dict[str, str]

    @property
    def is_in_progress(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith(IN_PROGRESS) and self.status != REVIEW


class FailedResource(NamedTuple):
    """A resource event of status `*_FAILED`."""

    at: datetime
    stack: str
    logical_id: str
    type: str
    status: str
    reason: str


class Snapshot(NamedTuple):
    """The stacks of an environment that exist, and the time by AWS's clock."""

    stacks: list[Stack]
    at: datetime


def snapshot(cloudformation: Client, names: Names) -> Snapshot:
    """Return the environment's stacks. Raises botocore's `ClientError` and `BotoCoreError`."""
    stacks, moment = [], datetime.now(UTC)
    for name in stack_names(names):
        try:
            response = cloudformation.describe_stacks(StackName=name)
        except ClientError as error:
            if error_code(error) != NO_SUCH_STACK:
                raise
            response = dict(error.response)
        moment = _server_time(response) or moment
        stacks += [_stack(name, each) for each in (response.get("Stacks") or [])[:1]]
    return Snapshot(stacks, moment)


def stack_names(names: Names) -> tuple[str, str]:
    """Return the names of both stacks, in the order of their deploy."""
    return names.observability_stack, names.service_stack


def is_first_deploy(before: Snapshot, names: Names) -> bool:
    """Return whether the stack of the service does not exist, or was never created."""
    return not any(each.name == names.service_stack and each.status not in NOTES for each in before.stacks)


def note_on(stack: Stack) -> str | None:
    """Return what becomes of a stack that was never created, None for any other."""
    note = NOTES.get(stack.status)
    return note and f"the stack {stack.name} is in {stack.status}: {note.format(stack=stack.name)}"


def recovery(stack: Stack, names: Names) -> str | None:
    """Return how to get the stack out of a state in which it cannot be deployed, None if it can."""
    text = RECOVERY.get(stack.status)
    if stack.is_in_progress:
        text = WAIT + (CANCEL if stack.status == "UPDATE_IN_PROGRESS" else "")
    return text and text.format(stack=stack.name, variables=make_variables(names))


def failed_resources(cloudformation: Client, names: Names, since: datetime) -> list[FailedResource]:
    """Return the resources that failed, the first failure first, without those cancelled because of another one."""
    events = [each for name in stack_names(names) for each in _events(cloudformation, name, since)]
    failures = sorted(each for each in events if each.status.endswith("_FAILED"))
    resources = [each for each in failures if each.logical_id != each.stack]
    causes = [each for each in resources if "cancelled" not in each.reason.lower()]
    # The stack's own event says what its resources do, unless none failed: an output that cannot be resolved.
    return causes or resources or failures


def cluster_name(cloudformation: Client, names: Names) -> str | None:
    """Return the name of the service's cluster, None before it exists. During a first deploy no stack output has it."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=names.service_stack)
    try:
        resources = [each for page in pages for each in page.get("StackResourceSummaries") or []]
    except ClientError as error:
        if error_code(error) == NO_SUCH_STACK:
            return None
        raise
    clusters = [
        each.get("PhysicalResourceId")
        for each in resources
        if each.get("ResourceType") == "AWS::ECS::Cluster" and each.get("ResourceStatus") != "DELETE_COMPLETE"
    ]
    return next(filter(None, clusters), None)


def _events(cloudformation: Client, name: str, since: datetime) -> Iterator[FailedResource]:
    """Yield the events since `since`, newest first. A stack that does not exist has none."""
    try:
        for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=name):
            for event in page.get("StackEvents") or []:
                if (at := event.get("Timestamp")) is None or at < since:
                    return
                yield _failed_resource(name, at, event)
    except ClientError as error:
        if error_code(error) != NO_SUCH_STACK:
            raise


def _failed_resource(stack: str, at: datetime, event: dict[str, Any]) -> FailedResource:
    return FailedResource(
        at=at,
        stack=stack,
        logical_id=event.get("LogicalResourceId") or "",
        type=event.get("ResourceType") or "",
        status=event.get("ResourceStatus") or "",
        reason=event.get("ResourceStatusReason") or "CloudFormation gives no reason",
    )


def _stack(name: str, description: dict[str, Any]) -> Stack:
    outputs = description.get("Outputs") or []
    return Stack(
        name=name,
        status=description.get("StackStatus") or "",
        reason=description.get("StackStatusReason") or "",
        outputs={each["OutputKey"]: each.get("OutputValue", "") for each in outputs if "OutputKey" in each},
    )


def _server_time(response: dict[str, Any]) -> datetime | None:
    """Return the time of the response's `Date` header (RFC 9110, section 6.6.1): this machine's clock may be wrong."""
    date = (response.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return None
