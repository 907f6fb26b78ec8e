"""Assume roles for the tasks of Amazon ECS.

Source: Amazon ECS developer guide, "Amazon ECS task IAM role".
"""

from __future__ import annotations

import json
import time
from typing import Final

from ministack.core import iam_evaluator
from ministack.core.responses import get_region
from ministack.services import iam, sts

from local.containers.launch import Credentials, RoleError
from local.emulator.json_api import Json

SERVICE: Final = "ecs-tasks.amazonaws.com"
ACTION: Final = "sts:AssumeRole"
LIFETIME_SECONDS: Final = 6 * 3600
"""Agents renew the credentials of a running task well before they expire."""


def assume_role(role_arn: str, session_name: str, *, lifetime_seconds: float = LIFETIME_SECONDS) -> Credentials:
    """Return credentials of the role for a task; each call is a session of its own, so that they can be renewed.

    May be called from any thread. Raises `RoleError`.
    """
    role = _role(role_arn)
    if role is None or not _trusts_tasks(role):
        raise RoleError(
            f"ECS was unable to assume the role '{role_arn}' that was provided for this task. Please verify that the"
            " role being passed has the proper trust relationship and permissions and that your IAM user has"
            " permissions to pass this role."
        )
    account, name = _account(role_arn), role["RoleName"]
    issued = time.time()
    credentials = Credentials(
        access_key_id=iam._gen_session_access_key(),
        secret_access_key=iam._gen_secret(),
        session_token=iam._gen_session_token(),
        expiration=issued + lifetime_seconds,
    )
    sts._sessions[credentials.access_key_id] = {
        "AccountId": account,
        "Arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session_name}",
        "Expiration": credentials.expiration,
        "IssuedAt": issued,
        "PrincipalType": "AssumedRole",
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "UserId": f"{role['RoleId']}:{session_name}",
    }
    return credentials


def _role(arn: str) -> Json | None:
    role: Json | None = iam._roles.get_scoped(_account(arn), None, arn.rpartition("/")[2])
    return role if role is not None and role["Arn"] == arn else None


def _account(arn: str) -> str:
    return (arn.split(":") + [""] * 5)[4]


def _trusts_tasks(role: Json) -> bool:
    """Evaluate the statements of the trust policy that name the service; ministack lets a root user stand for it."""
    policy = role["AssumeRolePolicyDocument"]
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    naming = [
        each
        for each in (statements if isinstance(statements, list) else [statements])
        if each.get("Principal") == "*" or iam_evaluator._service_principal_matches(each.get("Principal"), SERVICE)
    ]
    account = _account(role["Arn"])
    context = iam_evaluator.EvalContext(
        principal_arn=SERVICE,
        principal_type="Service",
        principal_account=account,
        action=ACTION,
        resource_arn=role["Arn"],
        region=get_region(),
        # Source: Amazon ECS developer guide, "Prevent the confused deputy problem".
        service_context={"aws:sourceaccount": account, "aws:sourcearn": f"arn:aws:ecs:{get_region()}:{account}:*"},
    )
    return bool(
        iam_evaluator.evaluate(context, [iam_evaluator.parse_policy_document({"Statement": naming})]).decision
        == "Allow"
    )
