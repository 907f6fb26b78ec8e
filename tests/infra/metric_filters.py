"""Apply synthesized metric filters to log lines, as CloudWatch Logs does."""

from __future__ import annotations

import json
import re

from local.emulator.logs.filter_patterns import compile_pattern
from tests.infra.assembly import Assembly, Json
from tests.telemetry.backends import Document


def metric_filters(assembly: Assembly) -> list[Json]:
    """Return the properties of all metric filters."""
    return [each["Properties"] for each in assembly.observability.of_type("AWS::Logs::MetricFilter")]


def metric_filter(assembly: Assembly, metric: str) -> Json:
    """Return the metric filter that makes `metric`."""
    [match] = [each for each in metric_filters(assembly) if each["MetricTransformations"][0]["MetricName"] == metric]
    return match


def metric_values(assembly: Assembly, metric: str, lines: list[Document]) -> list[float]:
    """Return the values that the filter of `metric` extracts from `lines`."""
    found = metric_filter(assembly, metric)
    [transformation] = found["MetricTransformations"]
    [field] = re.findall(r"^\$\.(\w+)$", transformation["MetricValue"])
    matches = compile_pattern(found["FilterPattern"])
    return [float(line[field]) for line in lines if matches(json.dumps(line))]
