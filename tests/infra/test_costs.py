"""The README's cost table matches the synthesized templates."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from flask_onetrace.contract import (
    QUEUE_SECONDS_METRIC,
    REQUESTS_WAITING_METRIC,
    SAMPLED_METRIC,
    THREADS_BUSY_METRIC,
    SecretName,
)
from tests.infra.assembly import Assembly
from tests.infra.metric_filters import metric_filters

README: Final = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ALARM_METRIC, CUSTOM_METRIC, SECRET = 0.10, 0.30, 0.40
"""US dollars a month ("Amazon CloudWatch pricing", "AWS Secrets Manager pricing"; us-east-1)."""
ALARMS_A_POLICY: Final = 2
"""Alarms that each target tracking policy creates: one to scale out and one to scale in ("Target tracking scaling
policies", Application Auto Scaling User Guide)."""


def priced(title: str) -> dict[str, float]:
    """Return the row of the cost table whose first cell begins with `title`."""
    [(dev, prod)] = re.findall(rf"^\| (?:\*\*)?{title}[^|]*\| \W*\$([\d.]+)\W* \| \W*\$([\d.]+)\W* \|$", README, re.M)
    return {"dev": float(dev), "prod": float(prod)}


def alarm_metrics(assembly: Assembly) -> int:
    """Return how many metrics the alarms read, those of autoscaling included."""
    alarms = [each["Properties"] for each in assembly.service.of_type("AWS::CloudWatch::Alarm")]
    count = sum(1 for alarm in alarms for each in alarm.get("Metrics", [{"MetricStat": {}}]) if "MetricStat" in each)
    return count + ALARMS_A_POLICY * len(assembly.service.of_type("AWS::ApplicationAutoScaling::ScalingPolicy"))


def test_the_table_counts_each_metric_that_an_alarm_reads(dev: Assembly, prod: Assembly) -> None:
    counts = {each.environment: alarm_metrics(each) for each in (dev, prod)}
    assert f"(dev {counts['dev']}, prod {counts['prod']})" in README
    assert priced("Metrics that alarms read") == {
        name: pytest.approx(count * ALARM_METRIC) for name, count in counts.items()
    }


def test_the_table_counts_each_secret_and_metric_filter(dev: Assembly, prod: Assembly) -> None:
    for assembly in (dev, prod):
        stack = assembly.observability
        assert len(stack.of_type("AWS::SecretsManager::Secret")) == len(SecretName)
        metrics = [each["MetricTransformations"][0]["MetricName"] for each in metric_filters(assembly)]
        assert priced("The sampled share")[assembly.environment] == CUSTOM_METRIC
        assert set(metrics) - {SAMPLED_METRIC} == {THREADS_BUSY_METRIC, REQUESTS_WAITING_METRIC, QUEUE_SECONDS_METRIC}
        assert "Scarce threads add three custom metrics" in README
        assert priced(r"\w+ secrets")[assembly.environment] == pytest.approx(len(SecretName) * SECRET)
        assert len(assembly.service.of_type("AWS::CloudWatch::Dashboard")) == 1


@pytest.mark.parametrize(("column", "environment"), [(1, "dev"), (2, "prod")])
def test_the_total_is_the_sum_of_its_rows(column: int, environment: str) -> None:
    table = README.partition("## What it costs\n")[2].partition("**A month**")[0]
    prices = [row.split("|")[column + 1].strip() for row in table.splitlines() if "$" in row and row.startswith("|")]
    assert sum(float(each.removeprefix("$")) for each in prices if each != "none") == pytest.approx(
        priced("A month")[environment]
    )
