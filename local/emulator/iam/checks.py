"""What must be allowed before a request is handled: actions on resources, each with its condition keys.

Source: Service Authorization Reference, "Actions" and "Condition keys" of each service.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ministack.core import iam_actions
from ministack.services import ecs, s3

from local.emulator.iam.requests import ApiRequest
from local.emulator.iam.resources import ANY, by_ministack, cluster, log_group, resources

NAMESPACES: Final = {"monitoring": "cloudwatch"}
"""The prefix of a service's actions, where it is not the name in the signature."""

_PARTIQL: Final = ("PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate")
ACTIONS: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    # A statement is not parsed: it needs all that it could be.
    ("dynamodb", "BatchExecuteStatement"): _PARTIQL,
    ("dynamodb", "ExecuteStatement"): _PARTIQL,
    ("dynamodb", "ExecuteTransaction"): _PARTIQL,
    ("sqs", "ChangeMessageVisibilityBatch"): ("ChangeMessageVisibility",),
    ("sqs", "DeleteMessageBatch"): ("DeleteMessage",),
    ("sqs", "SendMessageBatch"): ("SendMessage",),
}
"""The actions of an operation, where they do not have its name."""

PASS_ROLE: Final = {
    "cloudformation": ("cloudformation.amazonaws.com", ("RoleARN",)),
    "ecs": ("ecs-tasks.amazonaws.com", ("executionRoleArn", "taskRoleArn")),
}
"""Which services get the roles of which parameters ("iam:PassRole")."""

RUNS_A_TASK: Final = frozenset({"RunTask", "StartTask"})
"""Pass the roles of the task definition too ("Amazon ECS task execution IAM role", Amazon ECS Developer Guide)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One action on one resource."""

    action: str
    resource: str = ANY
    context: Mapping[str, Any] = field(default_factory=dict)


def checks(request: ApiRequest) -> list[Check]:
    """Return what the caller needs, all of it."""
    if request.service == "dynamodb" and (items := _transaction(request)):
        return items
    namespace = NAMESPACES.get(request.service, request.service)
    names = ACTIONS.get((request.service, request.operation), (request.operation,))
    context = _context(request)
    direct = [Check(f"{namespace}:{name}", each, context) for name in names for each in resources(request)]
    further = _further_objects(request) if request.service == "s3" else _passed_roles(request)
    return direct + further


def _context(request: ApiRequest) -> dict[str, Any]:
    action = f"{request.service}:{request.operation}"
    context: dict[str, Any] = iam_actions.request_tag_context(request.service, action, request.body, request.parameters)
    match request.service:
        case "dynamodb":
            context |= iam_actions.dynamodb_service_context(request.body)
        case "ecs":
            context["ecs:cluster"] = cluster(request)
        case "logs":
            context |= iam_actions.logs_service_context(
                request.operation, request.body, log_group(request), request.region, request.account
            )
        case "s3":
            context |= iam_actions.s3_service_context(action, request.query, request.path, _s3_headers(request))
    return context


def _transaction(request: ApiRequest) -> list[Check]:
    items = iam_actions.dynamodb_transaction_checks(
        f"dynamodb:{request.operation}", request.body, request.region, request.account
    )
    context = {"dynamodb:EnclosingOperation": [request.operation]}
    return [Check(action, resource, context) for action, resource in items]


def _further_objects(request: ApiRequest) -> list[Check]:
    """Return the source of a copy, the other objects of a batch, and what the headers of an upload set."""
    headers = _s3_headers(request)
    found = iam_actions.s3_additional_checks(request.method, request.path, headers, request.body, dict(request.query))
    further = [Check(action, resource) for action, resource in found]
    if request.operation == "PutObject":
        grants = any(name == "x-amz-acl" or name.startswith("x-amz-grant-") for name in headers)
        set_by_header = {"s3:PutObjectAcl": grants, "s3:PutObjectTagging": "x-amz-tagging" in headers}
        [target] = by_ministack(request)
        further += [Check(action, target) for action, is_set in set_by_header.items() if is_set]
    return further


def _s3_headers(request: ApiRequest) -> Mapping[str, str]:
    """Return the headers, with those that a presigned URL has in its query."""
    headers: Mapping[str, str] = s3._merge_hoisted_amz_headers(request.headers, request.query)
    return headers


def _passed_roles(request: ApiRequest) -> list[Check]:
    service, parameters = PASS_ROLE.get(request.service, ("", ()))
    roles = request.values(*parameters)
    if request.service == "ecs" and request.operation in RUNS_A_TASK:
        roles = _roles_of_task(request, parameters)
    return [Check("iam:PassRole", role, {"iam:PassedToService": service}) for role in roles]


def _roles_of_task(request: ApiRequest, parameters: Sequence[str]) -> list[str]:
    """Return the roles that the overrides name, else those of the task definition."""
    overrides = request.parameters.get("overrides")
    named = dict(overrides) if isinstance(overrides, dict) else {}
    revisions = (ecs._task_defs.get(ecs._resolve_td_key(each)) or {} for each in request.values("taskDefinition"))
    roles = (named.get(name) or revision.get(name) for revision in revisions for name in parameters)
    return [str(each) for each in roles if each]
