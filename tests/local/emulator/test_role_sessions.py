"""Amazon ECS gets credentials of the roles that trust it, and of no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.local.emulator.test_process import run

STATEMENT = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}
REFUSED: dict[str, dict[str, Any]] = {
    "another service": {"Principal": {"Service": "ec2.amazonaws.com"}},
    "an account": {"Principal": {"AWS": "000000000000"}},
    "the root user": {"Principal": {"AWS": "arn:aws:iam::000000000000:root"}},
    "a denial": {"Effect": "Deny"},
    "another action": {"Action": "sts:TagSession"},
    "another account's tasks": {"Condition": {"StringEquals": {"aws:SourceAccount": "111111111111"}}},
}
TRUSTED: dict[str, dict[str, Any]] = {
    "the service": {},
    "several services": {"Principal": {"Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"]}},
    "several actions": {"Action": ["sts:AssumeRole", "sts:TagSession"]},
    "every action": {"Action": "sts:*"},
    "the account's tasks": {"Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}},
    "the region's tasks": {"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:ecs:us-east-1:000000000000:*"}}},
}
PROGRAM = """
import json, sys, time
from local.emulator import install
install(administrator=("AKIAADMINISTRATOR000", "secret"))
from ministack.core import iam_evaluator
from ministack.services import iam
from local.containers.launch import RoleError
from local.emulator.role_sessions import assume_role

def role(name, trust, path="/"):
    document = json.dumps({"Statement": [trust]})
    iam._create_role({"RoleName": [name], "Path": [path], "AssumeRolePolicyDocument": [document]})
    return f"arn:aws:iam::000000000000:role{path}{name}"

def resolve(credentials):
    return iam_evaluator.resolve_credential(credentials.access_key_id, "000000000000", credentials.session_token)

def outcome(arn):
    try:
        return resolve(assume_role(arn, "task")).principal_arn
    except RoleError as error:
        return str(error)

STATEMENT, CASES = json.loads(sys.argv[1])
RESULT = {str(number): outcome(role(str(number), STATEMENT | changes)) for number, changes in enumerate(CASES)}
for arn in ("arn:aws:iam::000000000000:role/no", "arn:aws:iam::111111111111:role/0", "no-arn"):
    RESULT[arn] = outcome(arn)
arn = role("task", STATEMENT, "/service/")
RESULT["without its path"] = outcome("arn:aws:iam::000000000000:role/task")
first, second, expired = assume_role(arn, "id"), assume_role(arn, "id"), assume_role(arn, "id", lifetime_seconds=-1)
RESULT["session"] = resolve(first).principal_arn
RESULT["secret"] = resolve(first).secret_access_key == first.secret_access_key
RESULT["in repr"] = first.secret_access_key in repr(first) or first.session_token in repr(first)
RESULT["renewed"] = first.access_key_id != second.access_key_id
RESULT["hours"] = round((first.expiration - time.time()) / 3600)
RESULT["expired"] = resolve(expired).code
print(json.dumps(RESULT))
"""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    """Assume every role in one process that has imported ministack."""
    cases = json.dumps([STATEMENT, [*REFUSED.values(), *TRUSTED.values()]])
    result: dict[str, Any] = json.loads(run(PROGRAM, cases))
    return result


@pytest.mark.parametrize("name", REFUSED)
def test_a_role_that_does_not_trust_tasks_is_refused_as_amazon_ecs_does(outcomes: dict[str, Any], name: str) -> None:
    number = list(REFUSED).index(name)

    assert outcomes[str(number)].startswith(
        f"ECS was unable to assume the role 'arn:aws:iam::000000000000:role/{number}' that was provided for this task."
    )


@pytest.mark.parametrize("name", TRUSTED)
def test_a_trust_policy_is_evaluated_with_its_conditions(outcomes: dict[str, Any], name: str) -> None:
    number = len(REFUSED) + list(TRUSTED).index(name)

    assert outcomes[str(number)] == f"arn:aws:sts::000000000000:assumed-role/{number}/task"


@pytest.mark.parametrize(
    "arn", ["arn:aws:iam::000000000000:role/no", "arn:aws:iam::111111111111:role/0", "no-arn", "without its path"]
)
def test_a_role_that_does_not_exist_is_refused(outcomes: dict[str, Any], arn: str) -> None:
    assert outcomes[arn].startswith("ECS was unable to assume the role ")


def test_a_session_has_the_name_and_the_secret_that_the_role_was_assumed_with(outcomes: dict[str, Any]) -> None:
    assert outcomes["session"] == "arn:aws:sts::000000000000:assumed-role/task/id"
    assert (outcomes["secret"], outcomes["in repr"]) == (True, False)


def test_credentials_expire_and_can_be_renewed(outcomes: dict[str, Any]) -> None:
    assert (outcomes["renewed"], outcomes["hours"], outcomes["expired"]) == (True, 6, "ExpiredTokenException")
