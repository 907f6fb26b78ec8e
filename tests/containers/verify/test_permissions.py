"""Verify with the role that infra/ creates for it, where IAM is enforced: it may read all, and says what it may not."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any, Final

import boto3
import pytest

from infra.verify_policy import policy_document
from local.backing_services.emulated_aws import REGION
from local.commands.verify import WAIT_SECONDS, subject_of
from local.workspace.folders import Folders
from local.workspace.report import Report
from local.workspace.session import Session
from operations.diagnosis.diagnosis import diagnose
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Exchange, Missing, Observed
from operations.traces.connect import AccountClients
from operations.traces.document import Place
from operations.verification.kinds import new_trace_id
from operations.verification.report import Report as Progress
from operations.verification.run import run
from operations.verification.subject import Subject
from tests.containers.verify.breakages import VerifiedDeployment
from tests.permissions.policies import without

pytestmark = [pytest.mark.timeout(300), pytest.mark.allow_hosts(["127.0.0.1"])]

ACCOUNT: Final = "000000000000"
ROLE: Final = "verify"
CONNECTION: Final = frozenset({"cloudformation:DescribeStacks", "secretsmanager:GetSecretValue"})
"""By which a deployment of AWS is found, and Honeycomb's key: the local one has both from `make up`."""
TRANSACTION_SEARCH: Final = frozenset({"xray:GetIndexingRules"})
"""Read once it is known to be on."""


@pytest.fixture
def subject(deployment: VerifiedDeployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Subject]:
    """The deployment, read with credentials of the role."""
    session = Session.open(Folders(deployment.state_folder), deployment.environ, Report(io.StringIO()))
    subject = subject_of(session)
    described = subject.deployment
    assert described is not None
    policy = policy_document(described.names, partition="aws", region=REGION, account=ACCOUNT)
    with role(deployment, policy) as credentials:
        monkeypatch.setenv("AWS_ENDPOINT_URL", deployment.aws.endpoint)
        clients = AccountClients(boto3.Session(*credentials, region_name=REGION))
        yield replace(subject, deployment=replace(described, aws=clients))


@contextmanager
def role(deployment: VerifiedDeployment, policy: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Create a role, and yield credentials of it: key id, key and session token."""
    iam = deployment.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    iam.put_role_policy(RoleName=ROLE, PolicyName="Verify", PolicyDocument=json.dumps(policy))
    try:
        keys = deployment.client("sts").assume_role(RoleArn=arn, RoleSessionName="verify")["Credentials"]
        yield keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    finally:
        iam.delete_role_policy(RoleName=ROLE, PolicyName="Verify")
        iam.delete_role(RoleName=ROLE)


def unchecked(subject: Subject) -> list[str]:
    """Read every fact, as if each place missed a request, and return what could not be read."""
    trace_id, now = new_trace_id(), time.time()
    exchange = Exchange(
        kind="ok", path="/", expected_status=200, status=200, trace_id=trace_id, sent_at=now, received_at=now
    )
    observed = Observed(
        url=subject.url,
        exchanges=[exchange],
        missing={place: [Missing(kind="ok", trace_id=trace_id)] for place in Place},
    )
    evidence = Evidence(subject.deployment, observed)
    for name, value in vars(Evidence).items():
        if isinstance(value, cached_property):
            getattr(evidence, name)
    evidence.group_shows('service("another")')
    diagnose(evidence)
    return evidence.calls.unchecked


def test_the_role_may_read_all_that_verify_reads(subject: Subject) -> None:
    verification = run(subject, Progress(io.StringIO()), wait=WAIT_SECONDS)

    assert (verification.failures, verification.unchecked, verification.causes) == ([], [], [])
    assert unchecked(subject) == []


def test_a_missing_action_is_named(subject: Subject, deployment: VerifiedDeployment) -> None:
    policy = deployment.client("iam").get_role_policy(RoleName=ROLE, PolicyName="Verify")["PolicyDocument"]
    actions = {action for each in policy["Statement"] for action in each["Action"]} - CONNECTION - TRANSACTION_SEARCH
    unnamed = []
    for action in sorted(actions):
        with without(action, ROLE, deployment.client("iam")):
            lines = [
                *unchecked(subject),
                *(
                    line
                    for each in run(subject, Progress(io.StringIO()), wait=0).rows
                    for line in (each.note, *(arrival.note for arrival in each.arrivals))
                ),
            ]
        if not any(action in line for line in lines):
            unnamed.append((action, lines))

    assert unnamed == []
