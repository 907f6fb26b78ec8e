from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.local.emulator.balancing_emulator import running
from tests.local.emulator.conftest import Aws, Template
from tests.local.emulator.http_targets import serving
from tests.local.emulator.test_metric_math import ALARMS
from tests.local.emulator.test_process import run
from tests.local.emulator.test_target_health import HEALTHY, Deployed, checked_each_second, wait_until

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MINUTE = 0.5
"""The seconds of a minute in these tests."""
NAMESPACE = "AWS/ApplicationELB"


@pytest.fixture(scope="module")
def account() -> Iterator[Aws]:
    with running(minute=MINUTE) as aws:
        yield aws


def alarm(aws: Aws, name: str, kind: str = "Metric") -> dict[str, Any]:
    response = aws.client("cloudwatch").describe_alarms(AlarmNames=[name], AlarmTypes=[f"{kind}Alarm"])
    [found] = response[f"{kind}Alarms"]
    described: dict[str, Any] = found
    return described


def wait_for_state(aws: Aws, name: str, state: str, kind: str = "Metric") -> dict[str, Any]:
    wait_until(lambda: alarm(aws, name, kind)["StateValue"] == state, lambda: alarm(aws, name, kind))
    return alarm(aws, name, kind)


def put(aws: Aws, name: str, value: float, age: float = 0) -> None:
    data = {"MetricName": name, "Value": value, "Timestamp": datetime.now(UTC) - timedelta(seconds=age)}
    aws.client("cloudwatch").put_metric_data(Namespace="Test", MetricData=[data])


def metric_alarm(name: str, **settings: object) -> Template:
    defaults = {
        "AlarmName": name,
        "Namespace": "Test",
        "MetricName": name,
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": defaults | settings}


def test_an_alarm_on_one_metric_fires_clears_and_then_lacks_data(account: Aws) -> None:
    name = f"single-{secrets.token_hex(3)}"
    stack = account.stack({"Alarm": metric_alarm(name)})
    wait_until(lambda: "1 datapoint was unknown" in alarm(account, name)["StateReason"])
    for value, state in ((6, "ALARM"), (5, "OK")):
        deadline = time.monotonic() + 10
        while alarm(account, name)["StateValue"] != state:
            assert time.monotonic() < deadline, alarm(account, name)
            # In the middle of a minute, so that its only point is this one.
            time.sleep(MINUTE - (time.time() + MINUTE / 2) % MINUTE)
            put(account, name, value)
        assert " greater than the threshold (5.0) (minimum 1 datapoint for" in alarm(account, name)["StateReason"]
    lacking = wait_for_state(account, name, "INSUFFICIENT_DATA")
    assert lacking["StateReason"] == "Insufficient Data: 1 datapoint was unknown."
    history = account.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    assert len(history["AlarmHistoryItems"]) >= 4
    stack.delete()


def test_a_composite_alarm_follows(account: Aws) -> None:
    name = f"child-{secrets.token_hex(3)}"
    any_alarm = {"AlarmName": f"any-{name}", "AlarmRule": f'ALARM("{name}")'}
    parent = {"Type": "AWS::CloudWatch::CompositeAlarm", "DependsOn": "Alarm", "Properties": any_alarm}
    stack = account.stack({"Alarm": metric_alarm(name, TreatMissingData="breaching"), "Any": parent})
    wait_for_state(account, name, "ALARM")
    wait_for_state(account, f"any-{name}", "ALARM", "Composite")
    stack.delete()


@pytest.mark.parametrize("expression", ["ANOMALY_DETECTION_BAND(m1, 2)", "SUM(METRICS())"])
def test_an_unknown_function_is_named_in_the_reason(account: Aws, expression: str) -> None:
    name = f"unknown-{secrets.token_hex(3)}"
    stat = {"Metric": {"Namespace": "Test", "MetricName": "x"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "e1", "Expression": expression},
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
    ]
    properties = {"AlarmName": name, "Metrics": metrics, "EvaluationPeriods": 1, "Threshold": 5}
    comparison = {"ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "breaching"}
    stack = account.stack({"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties | comparison}})
    reason = f"Not emulated: the function {expression.split('(', maxsplit=1)[0]} is not emulated"
    wait_until(lambda: alarm(account, name)["StateReason"] == reason, lambda: alarm(account, name))
    assert alarm(account, name)["StateValue"] == "INSUFFICIENT_DATA"
    stack.delete()


def test_a_metric_that_a_log_event_embeds_puts_its_alarm_in_alarm(account: Aws) -> None:
    name = f"dropped-{secrets.token_hex(3)}"
    stack = account.stack({"Alarm": metric_alarm(name, TreatMissingData="notBreaching")})
    wait_for_state(account, name, "OK")
    logs = account.client("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="app")
    directive = {"Namespace": "Test", "Dimensions": [[]], "Metrics": [{"Name": name, "Unit": "Count"}]}
    now = int(time.time() * 1000)
    message = json.dumps({"_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]}, name: 6})
    event = {"timestamp": now, "message": message}
    logs.put_log_events(logGroupName=name, logStreamName="app", logEvents=[event])
    wait_for_state(account, name, "ALARM")
    wait_for_state(account, name, "OK")
    stack.delete()


@pytest.mark.parametrize("minute", [0.1, 0.7, 1.2, 60])
def test_each_minutes_point_falls_into_its_period(minute: float) -> None:
    program = f"""
from ministack.services import cloudwatch
from local.emulator.alarms import _series
minute, ages, points = {minute}, range(7, 0, -1), []
cloudwatch._metrics[("N", "m", "")] = points
start = 1_790_000_000 // minute * minute
for passed in range(200):
    points.append({{"Timestamp": start, "Value": float(passed)}})
    start += minute
    times = [start - minute * age for age in ages]
    series = _series({{"Metric": {{"Namespace": "N", "MetricName": "m"}}, "Stat": "Sum"}}, times, minute)
    assert series == tuple(passed + 1.0 - age if passed >= age - 1 else None for age in ages), (passed, series)
print("all")
"""
    assert run(program) == "all"


@pytest.fixture
def service(account: Aws) -> Iterator[Deployed]:
    """A load balancer with the alarms of the stacks, whose dimensions are as CloudFormation resolves them."""
    name = f"b{secrets.token_hex(4)}"
    stack = account.stack(checked_each_second(name, delay=0) | _stack_alarms(name))
    yield Deployed(account, name, stack.physical_id("Targets"))
    stack.delete()


def _stack_alarms(prefix: str) -> Template:
    """Return the snapshot's alarms with this template's load balancer in place of theirs."""
    resolved = json.dumps(ALARMS)
    for snapshot, here in (("LoadBalancerHttp7523D68A", "Listener"), ("LoadBalancerTargetsA57B7976", "Targets")):
        resolved = resolved.replace(snapshot, here)
    resolved = resolved.replace("LoadBalancerCD993E47", "Balancer")
    minutes = {"5xx-share": (2, 5, 5), "p99": (3, 5, 0.03), "unhealthy-targets": (3, 3, 0)}
    alarms: Template = {}
    for name, metrics in json.loads(resolved).items():
        short = name.rpartition("prod-")[2]
        if short in minutes:
            breaching, evaluated, threshold = minutes[short]
            properties = {
                "AlarmName": f"{prefix}-{short}",
                "Metrics": metrics,
                "DatapointsToAlarm": breaching,
                "EvaluationPeriods": evaluated,
                "Threshold": threshold,
                "ComparisonOperator": "GreaterThanThreshold",
                "TreatMissingData": "notBreaching",
            }
            alarms[short.replace("-", "")] = {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}
    assert len(alarms) == len(minutes)
    return alarms


@contextmanager
def sending(balancer: Deployed, *paths: str, threads: int = 1) -> Iterator[None]:
    """Send requests until the block ends."""
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            for path in paths:
                balancer.request(path)

    with ThreadPoolExecutor(threads) as pool:
        sent = [pool.submit(send) for _ in range(threads)]
        try:
            yield
        finally:
            ended.set()
    for each in sent:
        each.result()


def test_failing_requests_put_the_stacks_alarm_in_alarm_and_good_ones_clear_it(service: Deployed) -> None:
    name = f"{service.name}-5xx-share"
    with serving("127.0.0.2") as [target]:
        service.register(target)
        service.wait_for(HEALTHY)
        with sending(service, "/200"):
            wait_for_state(service.aws, name, "OK")
            time.sleep(2 * MINUTE)
            assert alarm(service.aws, name)["StateValue"] == "OK"
        with sending(service, "/500", "/200"):
            fired = wait_for_state(service.aws, name, "ALARM")
        assert "2 out of the last 5 datapoints" in fired["StateReason"]
        with sending(service, "/200"):
            wait_for_state(service.aws, name, "OK")


def test_the_load_balancers_own_errors_put_it_in_alarm_too(service: Deployed) -> None:
    with sending(service, "/"):
        wait_for_state(service.aws, f"{service.name}-5xx-share", "ALARM")


def test_an_unhealthy_target_puts_its_alarm_in_alarm(service: Deployed) -> None:
    name = f"{service.name}-unhealthy-targets"
    with serving("127.0.0.2") as [target]:
        target.status = 500
        service.register(target)
        wait_for_state(service.aws, name, "ALARM")
        target.status = 200
        wait_for_state(service.aws, name, "OK")


def test_slow_responses_put_the_latency_alarm_in_alarm(service: Deployed) -> None:
    with serving("127.0.0.2") as [target]:
        service.register(target)
        service.wait_for(HEALTHY)
        with sending(service, "/slow", threads=12):
            wait_for_state(service.aws, f"{service.name}-p99", "ALARM")


def statistics(balancer: Deployed, name: str, dimensions: list[Template], *names: str) -> dict[str, float]:
    """Return the sum of every basic statistic over all periods."""
    response = balancer.aws.client("cloudwatch").get_metric_statistics(
        Namespace=NAMESPACE,
        MetricName=name,
        Dimensions=dimensions,
        StartTime=datetime.now(UTC) - timedelta(minutes=5),
        EndTime=datetime.now(UTC) + timedelta(minutes=5),
        Period=86400,
        Statistics=list(names),
    )
    [point] = response["Datapoints"] or [{}]
    return {each: point[each] for each in names if each in point}


def test_metrics_have_the_names_dimensions_and_values_of_aws(service: Deployed) -> None:
    [described] = service.aws.client("elbv2").describe_load_balancers(Names=[service.name])["LoadBalancers"]
    whole = [{"Name": "LoadBalancer", "Value": described["LoadBalancerArn"].partition("loadbalancer/")[2]}]
    group = [*whole, {"Name": "TargetGroup", "Value": service.group.rpartition(":")[2]}]
    with serving("127.0.0.2") as [target]:
        service.register(target)
        service.wait_for(HEALTHY)
        for path in ("/200", "/200", "/404", "/500", "/close"):
            service.request(path)
        service.deregister(target)
        service.request("/")

        def published() -> dict[str, float]:
            return statistics(service, "HTTPCode_ELB_5XX_Count", whole, "Sum")

        wait_until(lambda: published() == {"Sum": 2.0}, published)

    def total(name: str, dimensions: list[Template]) -> float | None:
        return statistics(service, name, dimensions, "Sum").get("Sum")

    assert (total("RequestCount", whole), total("RequestCount", group)) == (5, 5)
    assert (total("HTTPCode_ELB_502_Count", whole), total("HTTPCode_ELB_503_Count", whole)) == (1, 1)
    for dimensions in (whole, group):
        assert total("HTTPCode_Target_2XX_Count", dimensions) == 2
        assert total("HTTPCode_Target_4XX_Count", dimensions) == 1
        assert total("HTTPCode_Target_5XX_Count", dimensions) == 1
        times = statistics(service, "TargetResponseTime", dimensions, "SampleCount", "Maximum")
        assert times["SampleCount"] == 4
        assert times["Maximum"] < 1
    assert statistics(service, "HealthyHostCount", group, "Maximum") == {"Maximum": 1}
    assert statistics(service, "UnHealthyHostCount", group, "Maximum") == {"Maximum": 0}


def test_container_insights_reports_the_desired_tasks_of_a_service(account: Aws) -> None:
    ecs, name = account.client("ecs"), f"c{secrets.token_hex(3)}"
    container = {"name": "app", "image": "app", "essential": True}
    ecs.register_task_definition(family=name, containerDefinitions=[container])
    clusters = {setting: f"{name}-{setting}" for setting in ("enabled", "enhanced", "disabled")}
    for setting, cluster in clusters.items():
        ecs.create_cluster(clusterName=cluster, settings=[{"name": "containerInsights", "value": setting}])
        ecs.create_service(cluster=cluster, serviceName="backend", taskDefinition=name, desiredCount=2)

    def desired(cluster: str) -> list[float]:
        points = account.client("cloudwatch").get_metric_statistics(
            Namespace="ECS/ContainerInsights",
            MetricName="DesiredTaskCount",
            Dimensions=[{"Name": "ClusterName", "Value": cluster}, {"Name": "ServiceName", "Value": "backend"}],
            StartTime=datetime.now(UTC) - timedelta(minutes=5),
            EndTime=datetime.now(UTC) + timedelta(minutes=5),
            Period=86400,
            Statistics=["Maximum"],
        )
        return [each["Maximum"] for each in points["Datapoints"]]

    wait_until(lambda: desired(clusters["enhanced"]) == [2])
    time.sleep(2 * MINUTE)
    assert {setting: desired(cluster) for setting, cluster in clusters.items()} == {
        "enabled": [2],
        "enhanced": [2],
        "disabled": [],
    }
    for cluster in clusters.values():
        ecs.delete_service(cluster=cluster, service="backend", force=True)
