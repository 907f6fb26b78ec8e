"""Break one thing of a deployment that no task has to be replaced for, and repair it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import requests

from flask_onetrace.contract import Output
from local.service import revision
from tests.local_environment import LocalEnvironment

if TYPE_CHECKING:
    from mypy_boto3_elbv2.type_defs import TargetDescriptionTypeDef

T = TypeVar("T")
SECONDS: Final = 40.0
BURST: Final = 20
"""Requests, more than a reservoir of a few a second has."""


def wait(condition: Callable[[], T | None], what: str, seconds: float = SECONDS) -> T:
    """Return what `condition` returns once that is neither None nor false."""
    end = time.monotonic() + seconds
    while True:
        if result := condition():
            return result
        assert time.monotonic() < end, what
        time.sleep(0.2)


def is_sampled(environment: LocalEnvironment) -> bool:
    """Send a request, and return whether the service sampled it (W3C Trace Context Level 2, "traceresponse")."""
    response = requests.get(f"{environment.url}{environment.path}", timeout=10)
    return bool(int(response.headers["traceresponse"].rpartition("-")[2], 16) & 1)


def wait_until_sampled(environment: LocalEnvironment, *, sampled: bool) -> None:
    """Wait until the service follows a changed sampling rule, with all of some requests, or with one that is not.

    It asks every ten seconds.
    """
    wait(
        lambda: all(is_sampled(environment) for _ in range(BURST)) is sampled,
        f"requests do not become sampled={sampled}",
    )


@contextmanager
def stopped_process(environment: LocalEnvironment) -> Iterator[None]:
    """Have the process accept no connection: the target stays registered, and healthy."""
    group, elbv2 = environment.outputs[Output.TARGET_GROUP], environment.aws.elbv2
    [target] = [
        each["Target"] for each in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    closed: TargetDescriptionTypeDef = {"Id": target["Id"], "Port": 1}
    elbv2.register_targets(TargetGroupArn=group, Targets=[closed])
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[target])
    try:
        yield
    finally:
        elbv2.register_targets(TargetGroupArn=group, Targets=[target])
        elbv2.deregister_targets(TargetGroupArn=group, Targets=[closed])


@contextmanager
def deleted_log_group(environment: LocalEnvironment) -> Iterator[None]:
    logs, group = environment.aws.logs, environment.outputs[Output.LOG_GROUP]
    logs.delete_log_group(logGroupName=group)
    try:
        yield
    finally:
        logs.create_log_group(logGroupName=group)


@contextmanager
def sampled_out(environment: LocalEnvironment) -> Iterator[None]:
    """Have a rule for the path of the smoke test's request sample nothing."""
    xray, name = environment.aws.xray, f"no-smoke-test-{secrets.token_hex(3)}"
    xray.create_sampling_rule(SamplingRule={
        "RuleName": name, "Priority": 1, "FixedRate": 0, "ReservoirSize": 0, "ServiceName": "*", "ServiceType": "*",
        "Host": "*", "HTTPMethod": "*", "URLPath": environment.path, "ResourceARN": "*", "Version": 1,
    })  # fmt: skip
    try:
        wait_until_sampled(environment, sampled=False)
        yield
    finally:
        xray.delete_sampling_rule(RuleName=name)
        wait_until_sampled(environment, sampled=True)


@contextmanager
def deleted_rule(environment: LocalEnvironment) -> Iterator[None]:
    """Leave X-Ray's own default rule alone."""
    xray = environment.aws.xray
    records = xray.get_sampling_rules()["SamplingRuleRecords"]
    rules: list[Any] = [each["SamplingRule"] for each in records if each["SamplingRule"]["RuleName"] != "Default"]
    for rule in rules:
        xray.delete_sampling_rule(RuleName=rule["RuleName"])
    try:
        wait_until_sampled(environment, sampled=False)
        yield
    finally:
        for rule in rules:
            del rule["RuleARN"]
            xray.create_sampling_rule(SamplingRule=rule)
        wait_until_sampled(environment, sampled=True)


@contextmanager
def group_of_another_service(environment: LocalEnvironment) -> Iterator[None]:
    xray = environment.aws.xray
    groups = xray.get_groups()["Groups"]
    for group in groups:
        xray.update_group(GroupName=group["GroupName"], FilterExpression='service("Another-Service")')
    try:
        yield
    finally:
        for group in groups:
            xray.update_group(GroupName=group["GroupName"], FilterExpression=group["FilterExpression"])


@contextmanager
def transaction_search(environment: LocalEnvironment) -> Iterator[None]:
    """Turn it on, and have no trace indexed: with the default share the outcome would depend on the ids."""
    xray = environment.aws.xray
    xray.update_indexing_rule(Name="Default", Rule={"Probabilistic": {"DesiredSamplingPercentage": 0}})
    xray.update_trace_segment_destination(Destination="CloudWatchLogs")
    try:
        yield
    finally:
        xray.update_trace_segment_destination(Destination="XRay")


@contextmanager
def without_targets(environment: LocalEnvironment) -> Iterator[None]:
    elbv2, group = environment.aws.elbv2, environment.outputs[Output.TARGET_GROUP]
    targets: list[Any] = [
        each["Target"] for each in elbv2.describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
    ]
    assert targets
    elbv2.deregister_targets(TargetGroupArn=group, Targets=targets)
    try:
        yield
    finally:
        elbv2.register_targets(TargetGroupArn=group, Targets=targets)


@contextmanager
def newer_revision(environment: LocalEnvironment) -> Iterator[None]:
    """Deploy a version that nothing runs."""
    aws, outputs = environment.aws, environment.outputs
    serving = revision.current(aws, outputs)
    revision.run_revision(aws, outputs, revision.register_revision(aws, outputs, "2.0.0", None))
    try:
        yield
    finally:
        revision.run_revision(aws, outputs, serving)
