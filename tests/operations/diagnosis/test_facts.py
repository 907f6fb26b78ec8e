"""Facts are read from log lines, rules, clocks and responses; a call that is denied hides nothing else."""

from __future__ import annotations

import json
from email.utils import formatdate
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from flask_onetrace.contract import ACCESS_LOGGER
from operations.diagnosis import clocks
from operations.diagnosis.calls import Calls
from operations.diagnosis.evidence import Evidence
from operations.diagnosis.facts import Exchange, Observed
from operations.traces.deployment import Deployment
from operations.traces.document import Place
from operations.traces.reports import FILTER_PATTERN, Report, reports
from operations.traces.sampling import Rule
from operations.verification.targets import region_of_url

TRACE_ID = "6b0c9784c338b87df32b35bd18a40b6f"
NOW = 1_800_000_000.25


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "honeycomb rejected our credentials; export suspended, retrying every 9 s: https://x answered 401: check K",
            Report(sink="honeycomb", kind="unauthorized", reason="https://x answered 401: check K", at=1.0),
        ),
        (
            "rollbar: 17 telemetry items dropped, 40 since start: the queue was full",
            Report(sink="rollbar", kind="dropped", reason="the queue was full", at=1.0, count=17),
        ),
        (
            "cloudwatch has accepted nothing for 12 s, retrying: ConnectionError: log group G not found: deploy it",
            Report(
                sink="cloudwatch",
                kind="unreachable",
                reason="ConnectionError: log group G not found: deploy it",
                at=1.0,
                count=12,
            ),
        ),
        (
            "honeycomb accepted our credentials; export resumed",
            Report(sink="honeycomb", kind="recovered", reason="accepted our credentials", at=1.0),
        ),
        (
            "xray responds again",
            Report(sink="xray", kind="recovered", reason="responds again", at=1.0),
        ),
        (
            "cannot fetch X-Ray sampling rules from 127.0.0.1:2000 (refused): using the local rule until it answers",
            Report(sink="xray", kind="sampling", reason="127.0.0.1:2000 (refused)", at=1.0),
        ),
    ],
)
def test_a_report_is_read_from_a_line_and_from_its_json(line: str, expected: Report) -> None:
    for text in (line, json.dumps({"level": "WARNING", "message": line})):
        assert list(reports([(1.0, text)])) == [expected]
    assert any(term.strip('?"') in line for term in FILTER_PATTERN.replace('" ?', '"\n?').splitlines())


@pytest.mark.parametrize("text", ["", "{", '{"message": 1}', "[]", "GET / 200", '{"message": "' + "[" * 2000 + '"}'])
def test_no_other_line_is_a_report(text: str) -> None:
    assert list(reports([(1.0, text)])) == []


def test_what_is_over_is_no_report() -> None:
    newest_first = [
        Report(sink="honeycomb", kind="recovered", reason="responds again", at=3),
        Report(sink="rollbar", kind="dropped", reason="the queue was full", at=2),
        Report(sink="honeycomb", kind="unreachable", reason="timed out", at=1),
    ]
    evidence = Evidence.of(Observed(url="http://x"), reports=newest_first)
    assert evidence.report("honeycomb") is None
    assert evidence.report("rollbar") == newest_first[1]
    assert evidence.report("xray") is None


@pytest.mark.parametrize(
    ("changes", "matches"),
    [
        ({}, True),
        ({"path": "/api/*"}, True),
        ({"path": "/API/?ctivities*"}, True),
        ({"path": "/api/[a]ctivities"}, False),
        ({"path": "/other"}, False),
        ({"host": "shop.example.com:8080"}, True),
        ({"host": "*.example.org"}, False),
        ({"method": "POST"}, False),
        ({"service": "other"}, False),
    ],
)
def test_the_first_rule_that_matches_applies(changes: dict[str, str], matches: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    rules = [
        Rule(**{"name": "first", "priority": 1, "fixed_rate": 0.0, "reservoir": 0, **cast("dict[str, Any]", changes)}),
        Rule(name="Default", priority=10000, fixed_rate=0.05, reservoir=1),
    ]
    evidence = Evidence.of(Observed(url="http://shop.example.com:8080/"), rules=rules, own_service="shop")
    rule = evidence.rule_of("/api/activities?page=1")
    assert rule is not None
    assert rule.name == ("first" if matches else "Default")


class Ecs:
    """ECS, whose clock is `seconds` from this machine's."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def describe_services(self, **_: object) -> dict[str, Any]:
        import time  # noqa: PLC0415 - of the call

        return {"ResponseMetadata": {"HTTPHeaders": {"date": formatdate(time.time() + self.seconds, usegmt=True)}}}


def deployment(ecs: Ecs) -> Deployment:
    class Aws:
        def __init__(self) -> None:
            self.ecs = ecs

    class Fake:
        aws = Aws()
        outputs = {"Cluster": "c", "Service": "s"}  # noqa: RUF012 - of this class only

    return cast("Deployment", Fake())


@pytest.mark.parametrize("seconds", [0.0, 90.0, -3600.0])
def test_this_machines_clock_is_compared_with_that_of_aws(seconds: float) -> None:
    assert clocks.read(deployment(Ecs(seconds)), Observed(url="http://x")).machine == pytest.approx(-seconds, abs=1.5)


@pytest.mark.parametrize(
    ("place", "item"),
    [
        (Place.XRAY, {"trace_id": f"1-{TRACE_ID[:8]}-{TRACE_ID[8:]}", "start_time": NOW + 3600}),
        (
            Place.CLOUDWATCH,
            {"timestamp": int((NOW + 3600) * 1000), "fields": {"trace_id": TRACE_ID, "logger": ACCESS_LOGGER}},
        ),
    ],
)
def test_the_tasks_clock_is_compared_by_what_it_sent(place: Place, item: dict[str, Any]) -> None:
    exchange = Exchange(kind="ok", path="/", expected_status=200, trace_id=TRACE_ID, sent_at=NOW, received_at=NOW + 0.5)
    observed = Observed(url="http://x", exchanges=[exchange], arrived={place: [item]})
    assert clocks.read(deployment(Ecs(0)), observed).task == pytest.approx(3600, abs=2)
    in_time = {**item, "start_time": NOW + 0.1, "timestamp": int((NOW + 0.2) * 1000)}
    observed = Observed(url="http://x", exchanges=[exchange], arrived={place: [in_time]})
    assert clocks.read(deployment(Ecs(0)), observed).task == pytest.approx(0, abs=1.5)


def test_a_call_that_fails_is_named_with_what_it_needs() -> None:
    def denied() -> str:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "User: arn is not authorized"}}, "X")

    def broken() -> str:
        raise RuntimeError("x" * 1000)

    calls = Calls()
    assert calls.read("the X-Ray groups", "xray:GetGroups", denied, "default") == "default"
    assert calls.read("the targets", "elasticloadbalancing:DescribeTargetHealth", broken, "default") == "default"
    assert calls.read("the rules", "xray:GetSamplingRules", lambda: "rules", "default") == "rules"
    first, second = calls.unchecked
    assert first == "the X-Ray groups: needs the action xray:GetGroups"
    assert second.startswith("the targets: elasticloadbalancing:DescribeTargetHealth failed: xxx")
    assert len(second) < 300


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("http://shop-123.eu-central-1.elb.amazonaws.com/", "eu-central-1"),
        ("https://Shop-1.us-gov-west-1.ELB.amazonaws.com", "us-gov-west-1"),
        ("http://shop-1.cn-north-1.elb.amazonaws.com.cn", "cn-north-1"),
        ("https://shop.example.com", None),
        ("https://shop.eu-central-1.elb.amazonaws.com.example.com", None),
    ],
)
def test_the_region_is_in_a_load_balancers_host_name(url: str, region: str | None) -> None:
    assert region_of_url(url) == region
