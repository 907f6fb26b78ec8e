"""With dynamic naming on or off, the deployed group and the sampling rule match the service's own segments."""

from __future__ import annotations

import dataclasses

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from flask import Flask

from infra.environments import LOCAL
from infra.observability_stack import ObservabilityStack
from local.emulator.xray.filter_expressions import compile_filter
from local.emulator.xray.trace_view import TraceView
from tests.sample import names_of
from tests.telemetry.backends import Document, FakeBackends
from tests.telemetry.conftest import AppFactory
from tests.telemetry.segments import get_trace_id, segment_of

PATTERN = "*4567-cruddur.example.com*"
MATCHING, OTHER = "4567-cruddur.example.com", "attacker.example"
RULE_FOR_CONFIGURED_NAME = '{"RuleName":"mine","FixedRate":1,"ReservoirSize":0,"ServiceName":"Backend-Flask"}'


def deployed_filter(xray_url: str | None) -> str:
    telemetry = dataclasses.replace(LOCAL.telemetry, xray_url=xray_url)
    environment, names = dataclasses.replace(LOCAL, telemetry=telemetry), names_of(LOCAL.name)
    stack = ObservabilityStack(App(), "Stack", environment=environment, names=names)
    groups = [each["Properties"] for each in Template.from_stack(stack).find_resources("AWS::XRay::Group").values()]
    [expression] = [group["FilterExpression"] for group in groups if group["GroupName"] == names.xray_group]
    return str(expression)


def in_group(segment: Document, xray_url: str | None) -> bool:
    return bool(compile_filter(deployed_filter(xray_url), {})(TraceView(segment["trace_id"], (segment,))))


def segment_for_host(make_app: AppFactory, backends: FakeBackends, xray_url: str, host: str) -> Document:
    app = make_app({**backends.environment, "XRAY_SAMPLING_RULE": RULE_FOR_CONFIGURED_NAME, "AWS_XRAY_URL": xray_url})
    return segment_of(backends, get_trace_id(app, "/api/activities/home", headers={"Host": host}))


@pytest.mark.parametrize(
    ("xray_url", "host", "name"),
    [
        ("", MATCHING, "Backend-Flask"),
        (PATTERN, MATCHING, MATCHING),
        (PATTERN, MATCHING.upper(), MATCHING.upper()),
        (PATTERN, f"{MATCHING}:8080", f"{MATCHING}:8080"),
        (PATTERN, OTHER, "Backend-Flask"),
    ],
)
def test_segment_name_sampling_rule_and_group_agree(
    xray_url: str, host: str, name: str, make_app: AppFactory, backends: FakeBackends
) -> None:
    segment = segment_for_host(make_app, backends, xray_url, host)
    assert segment["name"] == name
    assert segment.get("annotations", {}) == ({} if name == "Backend-Flask" else {"service_name": "Backend-Flask"})
    assert in_group(segment, xray_url or None)


def test_the_filter_without_dynamic_naming_misses_a_renamed_segment(
    make_app: AppFactory, backends: FakeBackends
) -> None:
    assert not in_group(segment_for_host(make_app, backends, PATTERN, MATCHING), None)


def test_only_the_requests_segment_is_renamed(make_app: AppFactory, backends: FakeBackends) -> None:
    app: Flask = make_app({**backends.environment, "AWS_XRAY_URL": "*"})
    segment = segment_of(backends, get_trace_id(app, "/api/activities/home"))
    assert segment["name"] == "localhost"
    assert [child["name"] for child in segment["subsegments"]] == ["HomeActivities-MockData"]
