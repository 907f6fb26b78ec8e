"""The smoke test's requests reach the new process, and all others the old one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
import requests
from flask import Flask

from flask_onetrace.contract import Output
from local.backing_services.emulated_aws import EmulatedAws
from local.fakes.server import LocalServer
from local.request_guard.decision import LOAD_BALANCER_NAMES, LOOPBACK_NAMES, Policy
from local.service import candidate
from local.service.candidate import candidate_rule

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


@dataclass
class Balancer:
    aws: EmulatedAws
    outputs: dict[str, str]
    listener: str

    def version(self, headers: dict[str, str]) -> str:
        host = f"{self.aws.load_balancer_name(self.outputs[Output.LOAD_BALANCER])}:{self.aws.port}"
        return requests.get(self.aws.endpoint, headers={"Host": host, **headers}, timeout=60).text

    def rules(self) -> int:
        return len(self.aws.elbv2.describe_rules(ListenerArn=self.listener)["Rules"])

    def groups(self) -> list[str]:
        return [each["TargetGroupName"] for each in self.aws.elbv2.describe_target_groups()["TargetGroups"]]


def server(version: str) -> LocalServer:
    app = Flask(version)
    app.get("/")(lambda: version)
    return LocalServer(app, policy=Policy(f"{LOOPBACK_NAMES}|{LOAD_BALANCER_NAMES}"))


@pytest.fixture
def ports(socket_enabled: None) -> Iterator[dict[str, int]]:  # noqa: ARG001 - the servers listen on 127.0.0.1
    with closing(server("old")) as old, closing(server("new")) as new:
        yield {name: int(each.url.rpartition(":")[2]) for name, each in (("old", old), ("new", new))}


@pytest.fixture
def balancer(emulated_aws: EmulatedAws, ports: dict[str, int]) -> Balancer:
    client, name = emulated_aws.elbv2, f"b-{uuid.uuid4().hex[:8]}"
    [created] = client.create_load_balancer(Name=name, Subnets=["subnet-1", "subnet-2"])["LoadBalancers"]
    arn = created["LoadBalancerArn"]
    group = client.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId="vpc-1", TargetType="ip")
    group_arn = group["TargetGroups"][0]["TargetGroupArn"]
    client.register_targets(TargetGroupArn=group_arn, Targets=[{"Id": "127.0.0.1", "Port": ports["old"]}])
    actions = [{"Type": "forward", "TargetGroupArn": group_arn}]
    [listener] = client.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=actions)[  # type: ignore[arg-type] # the stubs want literals
        "Listeners"
    ]
    return Balancer(emulated_aws, {Output.LOAD_BALANCER: arn}, listener["ListenerArn"])


def test_only_requests_with_the_rules_header_reach_the_new_process(balancer: Balancer, ports: dict[str, int]) -> None:
    with candidate_rule(balancer.aws, balancer.outputs, ports["new"]) as headers:
        assert balancer.version(headers) == "new"
        assert balancer.version({}) == "old"
        assert balancer.version(dict.fromkeys(headers, "guessed")) == "old"
    assert balancer.version(headers) == "old"


def test_after_a_failure_rule_and_target_group_are_gone(balancer: Balancer, ports: dict[str, int]) -> None:
    before = balancer.rules()
    with pytest.raises(ZeroDivisionError), candidate_rule(balancer.aws, balancer.outputs, ports["new"]):
        raise ZeroDivisionError

    assert balancer.rules() == before
    assert candidate.GROUP not in balancer.groups()


def test_what_a_killed_run_left_is_replaced(balancer: Balancer, ports: dict[str, int]) -> None:
    before, client = balancer.rules(), balancer.aws.elbv2
    left = client.create_target_group(Name=candidate.GROUP, Protocol="HTTP", Port=1, VpcId="vpc-1", TargetType="ip")
    client.create_rule(
        ListenerArn=balancer.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["*"]}],
        Actions=[{"Type": "forward", "TargetGroupArn": left["TargetGroups"][0]["TargetGroupArn"]}],
    )

    with candidate_rule(balancer.aws, balancer.outputs, ports["new"]) as headers:
        assert balancer.version(headers) == "new"
        assert balancer.version({}) == "old"
        assert balancer.groups().count(candidate.GROUP) == 1
    assert balancer.rules() == before
