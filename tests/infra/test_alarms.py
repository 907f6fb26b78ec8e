"""Alarms fire on errors, latency, missing tasks and dropped telemetry, link a query, and are silent without traffic."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from flask_onetrace.contract import DROPPED_METRIC, SLOW_SECONDS
from infra.alarms import ERROR_PERCENT
from infra.metrics import MINIMUM_FAILURES, MINIMUM_REQUESTS
from infra.xray import load
from tests.infra.assembly import Assembly, Json
from tests.sample import names_of

EVERY = ["5xx-share", "p99", "unhealthy-targets", "tasks-below-desired", "telemetry-dropped"]
LONGEST_REGION = "ap-southeast-2"
MAX_DESCRIPTION = 1024
"""Characters: PutMetricAlarm, CloudWatch API reference."""
LATE_MINUTES = 2
"""How many of the newest minutes may not be there yet."""


class Number(float):
    """A number of CloudWatch's metric math, where a division by zero has no result instead of an error."""

    def __truediv__(self, other: float) -> float:
        return float(self) / other if other else float("nan")

    def __add__(self, other: float) -> Number:
        return Number(float(self) + other)

    def __rmul__(self, other: float) -> Number:
        return Number(other * float(self))


def alarms_of(assembly: Assembly) -> dict[str, Json]:
    alarms = [each["Properties"] for each in assembly.service.of_type("AWS::CloudWatch::Alarm")]
    return {each["AlarmName"].removeprefix(names_of(assembly.environment).resource("")): each for each in alarms}


def expression_of(alarm: Json) -> str:
    [expression] = [each["Expression"] for each in alarm["Metrics"] if "Expression" in each]
    return str(expression)


def evaluate(expression: str, **metrics: float | None) -> float:
    def fill(value: float | None, instead: float) -> Number:
        return Number(instead if value is None else value)

    def either(condition: bool, value: float, other: float) -> float:  # noqa: FBT001 - CloudWatch's own order
        return value if condition else other

    names: dict[str, Any] = {"FILL": fill, "IF": either, **metrics}
    return float(eval(expression, {"__builtins__": {}}, names))  # noqa: S307 - the template's own arithmetic


def text_of(description: Any) -> str:  # noqa: ANN401 - a text, or CloudFormation's Fn::Join of texts and regions
    if isinstance(description, str):
        return description
    parts = description["Fn::Join"][1]
    return "".join(each if isinstance(each, str) else LONGEST_REGION for each in parts)


def test_each_alarm_notifies_the_topic_when_it_fires_and_when_it_is_over(assembly: Assembly) -> None:
    alarms = alarms_of(assembly)
    assert sorted(alarms) == sorted(EVERY)
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"]
        [action] = alarm["AlarmActions"]
        assert "Topic" in action["Fn::GetStackOutput"]["OutputName"]


def test_each_alarm_is_documented() -> None:
    page = Path("docs/questions.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z0-9-]+)` \|", page, re.MULTILINE) == EVERY


@pytest.mark.parametrize("name", EVERY)
def test_a_description_is_short_enough_and_links_a_saved_query(name: str, dev: Assembly) -> None:
    text = text_of(alarms_of(dev)[name]["AlarmDescription"])
    assert len(text) <= MAX_DESCRIPTION
    [(title, _)] = re.findall(rf"\[([A-Z][a-z ]+)\]\((https://{LONGEST_REGION}\.console[^)]+editorString[^ ]+)\)", text)
    saved_names = [each["Properties"]["Name"] for each in dev.observability.of_type("AWS::Logs::QueryDefinition")]
    assert f"Cruddur-dev/{title}" in saved_names
    assert "ook first at" in text


@pytest.mark.parametrize(
    ("counted", "percent"),
    [
        pytest.param({}, 0, id="nothing at all"),
        pytest.param({"requests": 100}, 0, id="no failure"),
        pytest.param({"requests": 100, "failed": 6}, 6, id="by the service"),
        pytest.param({"requests": 40, "unserved": 40}, 100, id="all answered 502, for which a target was chosen"),
        pytest.param({"requests": 100, "failed": 1, "unserved": 5}, 6, id="some answered 502"),
        pytest.param({"unserved": 3, "untargeted": 3}, 100, id="all answered 503, for which there was none"),
        pytest.param({"requests": 95, "failed": 1, "unserved": 5, "untargeted": 5}, 6, id="some answered 503"),
        pytest.param({"unserved": 4}, 100, id="by the load balancer before it chose"),
        pytest.param({"requests": 1, "failed": 1}, 0, id="the only request of an idle minute"),
        pytest.param({"requests": 2, "failed": 1, "unserved": 1}, 0, id="one less than counts"),
        pytest.param({"requests": 3, "failed": 2, "unserved": 1}, 100, id="just enough to count"),
    ],
)
def test_the_error_share_includes_the_load_balancers_errors_and_ignores_a_single_failure(
    counted: dict[str, float], percent: float, dev: Assembly
) -> None:
    alarm = alarms_of(dev)["5xx-share"]
    nothing = dict.fromkeys(("requests", "failed", "unserved", "untargeted"))
    assert evaluate(expression_of(alarm), **{**nothing, **counted}) == percent
    assert alarm["Threshold"] == ERROR_PERCENT


@pytest.mark.parametrize(("requests", "p99", "seconds"), [(None, None, 0), (1, 9, 0), (19, 9, 0), (20, 9, 9)])
def test_the_p99_counts_from_the_minimum_of_requests_on(
    requests: float | None, p99: float | None, seconds: float, dev: Assembly
) -> None:
    assert evaluate(expression_of(alarms_of(dev)["p99"]), requests=requests, p99=p99) == seconds


def test_a_description_names_its_minimum(dev: Assembly) -> None:
    texts = {name: text_of(alarm["AlarmDescription"]) for name, alarm in alarms_of(dev).items()}
    assert f"fewer than {MINIMUM_FAILURES} failures do not count" in texts["5xx-share"]
    assert f"fewer than {MINIMUM_REQUESTS} requests do not count" in texts["p99"]
    assert "In 5 minutes of 8" in texts["tasks-below-desired"]


def test_late_metrics_hold_no_alarm_in_ok(assembly: Assembly) -> None:
    filled = {name: alarm for name, alarm in alarms_of(assembly).items() if "FILL" in json.dumps(alarm)}
    assert {"5xx-share", "p99"} <= set(filled)
    for name, alarm in filled.items():
        assert alarm["EvaluationPeriods"] - alarm["DatapointsToAlarm"] >= LATE_MINUTES, name


def test_missing_data_fires_no_alarm_on_traffic(assembly: Assembly) -> None:
    of_traffic = {name: alarm for name, alarm in alarms_of(assembly).items() if name != "tasks-below-desired"}
    assert {alarm["TreatMissingData"] for alarm in of_traffic.values()} == {"notBreaching"}


def state_of(alarm: Json, missing_tasks: str) -> str:
    """Return the state after `missing_tasks`, a digit or "-" (no data) per minute.

    By "Configuring how CloudWatch alarms treat missing data" (CloudWatch User Guide), for data treated as missing: the
    newest points that exist are evaluated; ALARM also if the oldest breaching point is old enough and all that are
    newer breach or are missing.
    """
    assert alarm["TreatMissingData"] == "missing"
    evaluated, breaching = alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"]
    points = missing_tasks[-evaluated:].rjust(evaluated, "-")
    bad = [each not in "-0" and float(each) > alarm["Threshold"] for each in points]
    if set(points) == {"-"}:
        return "INSUFFICIENT_DATA"
    oldest = bad.index(True) if any(bad) else evaluated
    premature = evaluated - oldest >= breaching and "0" not in points[oldest:]
    return "ALARM" if sum(bad) >= breaching or premature else "OK"


@pytest.mark.parametrize(
    ("minutes", "state"),
    [
        ("--------", "INSUFFICIENT_DATA"),  # the service is created
        ("0", "OK"),
        ("110", "OK"),
        ("11110000", "OK"),  # the first task was unhealthy for minutes: the alarm is created when it is healthy
        ("22110--", "OK"),  # the newest minutes are not there yet
        ("00000000111", "OK"),  # a task is replaced
        ("00000011111", "ALARM"),
        ("01101101101", "ALARM"),  # it crashes again and again
        ("00000000--------", "INSUFFICIENT_DATA"),  # no task starts any more
        ("0000011------", "ALARM"),
    ],
)
def test_too_few_tasks_for_minutes_fire_and_a_first_deploy_does_not(
    minutes: str, state: str, assembly: Assembly
) -> None:
    assert state_of(alarms_of(assembly)["tasks-below-desired"], minutes) == state


def test_only_the_alarm_on_tasks_notifies_when_its_data_end(assembly: Assembly) -> None:
    alarms = alarms_of(assembly)
    assert [name for name, alarm in alarms.items() if "InsufficientDataActions" in alarm] == ["tasks-below-desired"]
    assert alarms["tasks-below-desired"]["InsufficientDataActions"] == alarms["tasks-below-desired"]["AlarmActions"]


@pytest.mark.parametrize(("healthy", "missing"), [(1, 0), (0, 1)])
def test_missing_tasks_fire_without_traffic_too(healthy: float, missing: float, dev: Assembly) -> None:
    alarm = alarms_of(dev)["tasks-below-desired"]
    assert evaluate(expression_of(alarm), healthy=healthy) == missing
    [metric] = [each["MetricStat"]["Metric"]["MetricName"] for each in alarm["Metrics"] if "MetricStat" in each]
    assert metric == "HealthyHostCount"


@pytest.mark.parametrize(("desired", "healthy", "missing"), [(4, 4, 0), (4, 3, 1), (2, 0, 2)])
def test_with_container_insights_tasks_are_compared_with_the_desired_count(
    desired: float, healthy: float, missing: float, prod: Assembly
) -> None:
    alarm = alarms_of(prod)["tasks-below-desired"]
    assert evaluate(expression_of(alarm), desired=desired, healthy=healthy) == missing
    assert "FILL" not in expression_of(alarm)


def test_the_alarm_and_the_x_ray_group_share_the_threshold_of_slow(dev: Assembly) -> None:
    alarm = alarms_of(dev)["p99"]
    [metric] = [each["MetricStat"] for each in alarm["Metrics"] if each["Id"] == "p99"]
    assert (alarm["Threshold"], metric["Stat"], metric["Metric"]["MetricName"]) == (
        SLOW_SECONDS,
        "p99",
        "TargetResponseTime",
    )
    assert load("xray-group-slow")["FilterExpression"].endswith(f"responsetime > {SLOW_SECONDS:g}")


def test_dropped_telemetry_fires_within_a_minute(dev: Assembly) -> None:
    alarm = alarms_of(dev)["telemetry-dropped"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions")) == (
        names_of("dev").metrics_namespace,
        DROPPED_METRIC,
        None,
    )
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (60, 1, 0)


def test_the_service_waits_for_the_alarms_that_roll_it_back(assembly: Assembly) -> None:
    resources = assembly.service.content["Resources"]
    [service] = assembly.service.of_type("AWS::ECS::Service")
    dependencies = {resources[each]["Properties"].get("AlarmName") for each in service["DependsOn"]} - {None}
    assert dependencies == set(service["Properties"]["DeploymentConfiguration"]["Alarms"]["AlarmNames"])
