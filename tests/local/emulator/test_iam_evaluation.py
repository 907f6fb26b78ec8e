"""Each request needs the actions and resources that AWS documents, and gets what its policies say about them."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest

from tests.local.emulator.conftest import Client
from tests.local.emulator.enforcing import REGION, Credentials, Enforcing, enforcing_emulator
from tests.permissions.table import DENIED, Call

pytestmark = [pytest.mark.allow_hosts(["127.0.0.1"]), pytest.mark.timeout(300)]

USER: Final = "evaluated"
POLICIES: Final = 60
SEED: Final = 20260

Needs = tuple[tuple[str, str], ...]
"""Actions and resources; `HERE` stands for the region and the account."""
HERE: Final = f"{REGION}:000000000000"
UNRELATED: Final = {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"}
"""No policy is without a statement."""
LAYER: Final = f"sha256:{'0' * 64}"
ROLE: Final = "arn:aws:iam::000000000000:role/passed"
STREAM: Final = {"logGroupName": "group", "logStreamName": "stream"}
QUEUE: Final = {"QueueUrl": "http://127.0.0.1/000000000000/queue"}
CHANGE_SET: Final = {"StackName": "stack", "ChangeSetName": "set"}
GROUP_ARN: Final = f"arn:aws:logs:{HERE}:log-group:group"
STACK: Final = f"arn:aws:cloudformation:{HERE}:stack/stack/*"
SERVICE: Final = f"arn:aws:ecs:{HERE}:service/cluster/service"


def one(action: str, resource: str = "*") -> Needs:
    return ((action, resource),)


NEEDED: Final[list[tuple[Call, Needs]]] = [
    (
        Call("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "ecs"}),
        one("application-autoscaling:DescribeScalableTargets"),
    ),
    (Call("cloudformation", "DescribeStacks", {"StackName": "stack"}), one("cloudformation:DescribeStacks", STACK)),
    (Call("cloudformation", "DescribeStacks"), one("cloudformation:DescribeStacks")),
    (Call("cloudformation", "ExecuteChangeSet", CHANGE_SET), one("cloudformation:ExecuteChangeSet", STACK)),
    (
        Call("cloudformation", "CreateChangeSet", CHANGE_SET | {"RoleARN": ROLE}),
        (("cloudformation:CreateChangeSet", STACK), ("iam:PassRole", ROLE)),
    ),
    (
        Call("dynamodb", "BatchGetItem", {"RequestItems": {"a": {"Keys": []}, "b": {"Keys": []}}}),
        tuple(("dynamodb:BatchGetItem", f"arn:aws:dynamodb:{HERE}:table/{each}") for each in "ab"),
    ),
    (
        Call("dynamodb", "Query", {"TableName": "table", "IndexName": "index"}),
        one("dynamodb:Query", f"arn:aws:dynamodb:{HERE}:table/table/index/index"),
    ),
    (
        Call(
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "a", "Item": {}}},
                    {"Delete": {"TableName": "b", "Key": {}}},
                ]
            },
        ),
        (
            ("dynamodb:PutItem", f"arn:aws:dynamodb:{HERE}:table/a"),
            ("dynamodb:DeleteItem", f"arn:aws:dynamodb:{HERE}:table/b"),
        ),
    ),
    (
        Call("dynamodb", "ExecuteStatement", {"Statement": "SELECT * FROM a"}),
        tuple((f"dynamodb:PartiQL{each}", "*") for each in ("Delete", "Insert", "Select", "Update")),
    ),
    (Call("ec2", "DescribeSubnets", {"SubnetIds": ["subnet-1"]}), one("ec2:DescribeSubnets")),
    (
        Call("ec2", "DeleteSubnet", {"SubnetId": "subnet-1"}),
        one("ec2:DeleteSubnet", f"arn:aws:ec2:{HERE}:subnet/subnet-1"),
    ),
    (Call("ecr", "GetAuthorizationToken"), one("ecr:GetAuthorizationToken")),
    (
        Call("ecr", "DescribeRepositories", {"repositoryNames": ["a", "b"]}),
        tuple(("ecr:DescribeRepositories", f"arn:aws:ecr:{HERE}:repository/{each}") for each in "ab"),
    ),
    (Call("ecr", "DescribeRepositories"), one("ecr:DescribeRepositories", f"arn:aws:ecr:{HERE}:repository/*")),
    (
        Call("ecr", "BatchCheckLayerAvailability", {"repositoryName": "a", "layerDigests": [LAYER]}),
        one("ecr:BatchCheckLayerAvailability", f"arn:aws:ecr:{HERE}:repository/a"),
    ),
    (
        Call("ecs", "DescribeServices", {"cluster": "cluster", "services": ["service", f"{SERVICE}-2"]}),
        (("ecs:DescribeServices", SERVICE), ("ecs:DescribeServices", f"{SERVICE}-2")),
    ),
    (
        Call("ecs", "UpdateService", {"cluster": f"arn:aws:ecs:{HERE}:cluster/cluster", "service": "service"}),
        one("ecs:UpdateService", SERVICE),
    ),
    (Call("ecs", "DescribeTaskDefinition", {"taskDefinition": "a"}), one("ecs:DescribeTaskDefinition")),
    (Call("ecs", "DescribeTasks", {"tasks": ["id"]}), one("ecs:DescribeTasks", f"arn:aws:ecs:{HERE}:task/default/id")),
    (Call("ecs", "ListTasks", {"cluster": "cluster"}), one("ecs:ListTasks")),
    (
        Call("ecs", "RegisterTaskDefinition", {"family": "a", "containerDefinitions": [], "taskRoleArn": ROLE}),
        (("ecs:RegisterTaskDefinition", "*"), ("iam:PassRole", ROLE)),
    ),
    (
        Call("ecs", "RunTask", {"taskDefinition": "with-role"}),
        (("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/with-role"), ("iam:PassRole", ROLE)),
    ),
    (
        Call("ecs", "RunTask", {"taskDefinition": "with-role", "overrides": {"taskRoleArn": f"{ROLE}-2"}}),
        (("ecs:RunTask", f"arn:aws:ecs:{HERE}:task-definition/with-role"), ("iam:PassRole", f"{ROLE}-2")),
    ),
    (
        Call("elasticloadbalancing", "DescribeTargetHealth", {"TargetGroupArn": "arn:target"}),
        one("elasticloadbalancing:DescribeTargetHealth"),
    ),
    (
        Call("elasticloadbalancing", "RegisterTargets", {"TargetGroupArn": "arn:target", "Targets": []}),
        one("elasticloadbalancing:RegisterTargets", "arn:target"),
    ),
    (Call("iam", "GetRole", {"RoleName": "role"}), one("iam:GetRole", "arn:aws:iam::000000000000:role/role")),
    (Call("iam", "GetRole", {"RoleName": "pathed"}), one("iam:GetRole", "arn:aws:iam::000000000000:role/path/pathed")),
    (
        Call("iam", "SimulatePrincipalPolicy", {"PolicySourceArn": "arn:aws:iam::1:role/task", "ActionNames": ["a:B"]}),
        one("iam:SimulatePrincipalPolicy", "arn:aws:iam::1:role/task"),
    ),
    (Call("logs", "CreateLogGroup", {"logGroupName": "group"}), one("logs:CreateLogGroup", f"{GROUP_ARN}:log-stream:")),
    (Call("logs", "CreateLogStream", STREAM), one("logs:CreateLogStream", f"{GROUP_ARN}:log-stream:stream")),
    (Call("logs", "DescribeLogGroups"), one("logs:DescribeLogGroups", f"arn:aws:logs:{HERE}:log-group::log-stream:")),
    (
        Call("logs", "FilterLogEvents", {"logGroupIdentifier": f"{GROUP_ARN}:*"}),
        one("logs:FilterLogEvents", f"{GROUP_ARN}:log-stream:"),
    ),
    (Call("logs", "GetLogEvents", STREAM), one("logs:GetLogEvents", f"{GROUP_ARN}:log-stream:stream")),
    (
        Call("logs", "PutLogEvents", STREAM | {"logEvents": []}),
        one("logs:PutLogEvents", f"{GROUP_ARN}:log-stream:stream"),
    ),
    (
        Call("logs", "StartQuery", {"logGroupNames": ["a", "b"], "startTime": 0, "endTime": 1, "queryString": ""}),
        tuple(("logs:StartQuery", f"arn:aws:logs:{HERE}:log-group:{each}:log-stream:") for each in "ab"),
    ),
    (Call("logs", "ListTagsForResource", {"resourceArn": GROUP_ARN}), one("logs:ListTagsForResource", GROUP_ARN)),
    (
        Call("monitoring", "DescribeAlarms", {"AlarmNames": ["a", "b"]}),
        tuple(("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:{each}") for each in "ab"),
    ),
    (Call("monitoring", "DescribeAlarms"), one("cloudwatch:DescribeAlarms", f"arn:aws:cloudwatch:{HERE}:alarm:*")),
    (
        Call("monitoring", "PutMetricData", {"Namespace": "a", "MetricData": []}),
        one("cloudwatch:PutMetricData"),
    ),
    (Call("s3", "ListObjectsV2", {"Bucket": "bucket"}), one("s3:ListBucket", "arn:aws:s3:::bucket")),
    (
        Call("s3", "PutObject", {"Bucket": "bucket", "Key": "a/b", "Tagging": "a=b"}),
        (("s3:PutObject", "arn:aws:s3:::bucket/a/b"), ("s3:PutObjectTagging", "arn:aws:s3:::bucket/a/b")),
    ),
    (
        Call("s3", "CopyObject", {"Bucket": "bucket", "Key": "to", "CopySource": "other/from"}),
        (("s3:PutObject", "arn:aws:s3:::bucket/to"), ("s3:GetObject", "arn:aws:s3:::other/from")),
    ),
    (
        Call("s3", "DeleteObjects", {"Bucket": "bucket", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b"}]}}),
        tuple(("s3:DeleteObject", f"arn:aws:s3:::bucket/{each}") for each in "ab"),
    ),
    (
        Call("secretsmanager", "GetSecretValue", {"SecretId": "missing"}),
        one("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{HERE}:secret:missing"),
    ),
    (Call("secretsmanager", "ListSecrets"), one("secretsmanager:ListSecrets")),
    (
        Call("sqs", "SendMessageBatch", QUEUE | {"Entries": []}),
        one("sqs:SendMessage", f"arn:aws:sqs:{HERE}:queue"),
    ),
    (Call("sqs", "ReceiveMessage", QUEUE), one("sqs:ReceiveMessage", f"arn:aws:sqs:{HERE}:queue")),
    (Call("ssm", "GetParameter", {"Name": "/a/b"}), one("ssm:GetParameter", f"arn:aws:ssm:{HERE}:parameter/a/b")),
    (
        Call("ssm", "GetParameters", {"Names": ["/a", "b"]}),
        tuple(("ssm:GetParameters", f"arn:aws:ssm:{HERE}:parameter/{each}") for each in "ab"),
    ),
    (Call("sts", "AssumeRole", {"RoleArn": ROLE, "RoleSessionName": "a"}), one("sts:AssumeRole", ROLE)),
    (Call("xray", "GetSamplingRules"), one("xray:GetSamplingRules")),
    (
        Call("xray", "GetSamplingTargets", {"SamplingStatisticsDocuments": []}),
        one("xray:GetSamplingTargets"),
    ),
    (Call("xray", "PutTelemetryRecords", {"TelemetryRecords": []}), one("xray:PutTelemetryRecords")),
    (Call("xray", "PutTraceSegments", {"TraceSegmentDocuments": []}), one("xray:PutTraceSegments")),
]


@dataclass(frozen=True)
class Evaluated:
    """The user whose policy is changed."""

    enforcing: Enforcing
    iam: Client
    credentials: Credentials

    def set_policy(self, *statements: dict[str, Any]) -> None:
        policy = {"Version": "2012-10-17", "Statement": [UNRELATED, *statements]}
        self.iam.put_user_policy(UserName=USER, PolicyName="only", PolicyDocument=json.dumps(policy))

    def denials(self) -> dict[str, str]:
        """Return the reason for each denied call of the table."""
        answers = self.enforcing.answers(self.credentials, [call for call, _ in NEEDED])
        return {str(call): body for call, _, body in answers if DENIED in body}


@pytest.fixture(scope="module")
def evaluated() -> Iterator[Evaluated]:
    with enforcing_emulator() as emulator:
        iam = emulator.client("iam")
        iam.create_user(UserName=USER)
        key = iam.create_access_key(UserName=USER)["AccessKey"]
        trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "000000000000"}}]}
        for name, path in (("pathed", "/path/"), ("passed", "/")):
            iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        emulator.client("ecs").register_task_definition(
            family="with-role", containerDefinitions=[{"name": "a", "image": "a"}], taskRoleArn=ROLE
        )
        yield Evaluated(emulator, iam, {"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]})


def test_without_a_policy_each_call_is_denied_for_the_documented_action_and_resource(evaluated: Evaluated) -> None:
    evaluated.set_policy()
    denials = evaluated.denials()

    for call, ((action, resource), *_) in NEEDED:
        assert f"{DENIED}: {action} on resource: {resource} because" in denials.get(str(call), ""), call


def test_each_further_action_and_resource_is_needed_too(evaluated: Evaluated) -> None:
    for call, needs in NEEDED:
        for missing, (action, resource) in enumerate(needs):
            others = [each for number, each in enumerate(needs) if number != missing]
            evaluated.set_policy(*({"Effect": "Allow", "Action": a, "Resource": r} for a, r in others))
            [(_, _, body)] = evaluated.enforcing.answers(evaluated.credentials, [call])
            assert f"{DENIED}: {action} on resource: {resource} because" in body, call
        evaluated.set_policy(*({"Effect": "Allow", "Action": a, "Resource": r} for a, r in needs))
        [(_, _, body)] = evaluated.enforcing.answers(evaluated.credentials, [call])
        assert DENIED not in body, call


def statements(choose: random.Random) -> Iterator[dict[str, Any]]:
    """Yield statements whose patterns match some of the table."""
    for _ in range(choose.randint(1, 4)):
        needs = [choose.choice(choose.choice(NEEDED)[1]) for _ in range(choose.randint(1, 3))]
        yield {
            "Effect": choose.choice(["Allow", "Allow", "Allow", "Deny"]),
            choose.choice(["Action", "Action", "Action", "NotAction"]): [
                pattern(choose, action) for action, _ in needs
            ],
            choose.choice(["Resource", "Resource", "Resource", "NotResource"]): [
                pattern(choose, resource) for _, resource in needs
            ],
        }


def pattern(choose: random.Random, value: str) -> str:
    cut = choose.randint(1, len(value))
    return choose.choice(
        [value, "*", f"{value[:cut]}*", f"*{value[-cut:]}", f"{value[: cut - 1]}?{value[cut:]}", f"{value}-other"]
    )


def is_allowed(policy: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Evaluate as the user guide words it: an explicit deny, else an allow, else denied."""
    effects = {
        each["Effect"]
        for each in policy
        if matches(each, "Action", action, re.IGNORECASE) and matches(each, "Resource", resource, 0)
    }
    return effects == {"Allow"}


def matches(statement: dict[str, Any], element: str, value: str, flags: int) -> bool:
    negated = f"Not{element}" in statement
    patterns = statement[f"Not{element}" if negated else element]
    found = any(
        re.fullmatch(re.escape(each).replace(r"\*", ".*").replace(r"\?", "."), value, flags) for each in patterns
    )
    return found != negated


def test_random_policies_decide_as_the_model_of_policy_evaluation_does(evaluated: Evaluated) -> None:
    choose = random.Random(SEED)
    allowed = 0
    for _ in range(POLICIES):
        policy = list(statements(choose))
        evaluated.set_policy(*policy)
        denials = evaluated.denials()
        for call, needs in NEEDED:
            expected = all(is_allowed(policy, action, resource) for action, resource in needs)
            assert (str(call) not in denials) == expected, (call, policy, denials.get(str(call)))
            allowed += expected
    assert 0.1 < allowed / (POLICIES * len(NEEDED)) < 0.9
