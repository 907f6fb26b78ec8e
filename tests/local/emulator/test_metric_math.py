from __future__ import annotations

import json
import random
import re
from typing import Any, Final

import pytest

from local.emulator.json_api import Json
from local.emulator.metric_math import Series, UnsupportedExpressionError, Value, calculate, evaluate
from tests.local.emulator.conftest import CHECKOUT

NO: Final = None
"""No data point."""
METRICS: dict[str, Series] = {
    "metric1": (1.0, 1.0, 0.0, 0.0, NO),
    "metric2": (30.0, NO, 0.0, 0.0, 30.0),
    "metric3": (0.0, 0.0, 20.0, NO, 20.0),
    "left": (30.0, 20.0, 0.0, 0.0, NO),
    "right": (20.0, NO, 20.0, NO, NO),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", (30, 0, 20, NO, NO)),
        ("IF(metric1, 5, metric3)", (5, 5, 20, NO, NO)),
        ("IF(metric1, metric2, 5)", (30, 0, 5, 5, NO)),
        ("IF(metric1, metric2)", (30, 0, NO, NO, NO)),
        ("IF(1, metric2, metric3)", METRICS["metric2"]),
        ("IF(0, metric2, metric3)", METRICS["metric3"]),
        ("left < right", (0, 0, 1, 0, NO)),
        ("left >= 30", (1, 0, 0, 0, NO)),
        ("left > 15 AND right > 15", (1, 0, 0, 0, NO)),
        ("left > 15 && right > 15", (1, 0, 0, 0, NO)),
        ("left > 25 OR right == 20", (1, 0, 1, 0, NO)),
        ("left > 25 || right == 20", (1, 0, 1, 0, NO)),
        ("left + right", (50, 20, 20, 0, NO)),
        ("left / right", (1.5, NO, 0, NO, NO)),
        ("5 * right", (100, NO, 100, NO, NO)),
        ("-right", (-20, NO, -20, NO, NO)),
        ("FILL(right, 7)", (20, 7, 20, 7, 7)),
        ("FILL(right, left)", (20, 20, 20, 0, NO)),
        ("left - 2 - 3", (25, 15, -5, -5, NO)),
        ("left - 2 * 3 ^ 2", (12, 2, -18, -18, NO)),
        ("left - -2", (32, 22, 2, 2, NO)),
        ("(left - 1) / 2 != 0.5", (1, 1, 1, 1, NO)),
    ],
)
def test_an_expression_has_the_values_of_the_user_guide(expression: str, expected: Series) -> None:
    assert calculate(expression, METRICS.__getitem__) == expected


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("SEARCH('{AWS/X} y', 'Sum', 60)", "the function SEARCH is not emulated"),
        ("SUM(METRICS())", "the function SUM is not emulated"),
        ("IF(ANOMALY_DETECTION_BAND(left, 2) > 1, 1, 0)", "the function ANOMALY_DETECTION_BAND is not emulated"),
        ("FILL(left, REPEAT)", "REPEAT is not emulated"),
        ("FILL(left)", "FILL has 1 arguments"),
        ("FILL(1, 2)", "the number 1 stands where a time series is needed"),
        ("[left, right]", "an array of time series is not emulated"),
        ("left +", "invalid syntax"),
        ("left $ right", "invalid syntax"),
        ("1 / 0 + left", "a number is divided by zero"),
    ],
)
def test_what_is_not_emulated_is_named(expression: str, reason: str) -> None:
    with pytest.raises(UnsupportedExpressionError, match=re.escape(reason)):
        calculate(expression, METRICS.__getitem__)


@pytest.mark.parametrize(
    ("queries", "reason"),
    [
        ([("a", "b"), ("b", "a")], "refers to itself"),
        ([("a", "missing")], "missing is no metric of the alarm"),
        ([("a", "1 + 1")], "the number 2 stands where a time series is needed"),
    ],
)
def test_an_expression_that_has_no_time_series_is_refused(queries: list[tuple[str, str]], reason: str) -> None:
    metrics = [{"Id": name, "Expression": text, "ReturnData": name == "a"} for name, text in queries]
    with pytest.raises(UnsupportedExpressionError, match=reason):
        evaluate(metrics, lambda _stat: ())


def test_expressions_may_refer_to_each_other() -> None:
    metrics: list[Json] = [
        {"Id": "share", "Expression": "100 * twice"},
        {"Id": "twice", "Expression": "2 * failed", "ReturnData": False},
        {"Id": "failed", "MetricStat": {"Stat": "Sum"}, "ReturnData": False},
    ]
    assert evaluate(metrics, lambda stat: (1.0, None) if stat == {"Stat": "Sum"} else ()) == (200.0, None)


def _alarms() -> dict[str, list[Json]]:
    template = json.loads((CHECKOUT / "tests/infra/snapshots/service.json").read_text(encoding="utf-8"))
    alarms = _resources(template, "AWS::CloudWatch::Alarm")
    return {each["AlarmName"]: each["Metrics"] for each in alarms if "Metrics" in each}


def _resources(node: Any, kind: str) -> list[Json]:  # noqa: ANN401 - any part of a template
    if isinstance(node, dict):
        here = [node["Properties"]] if node.get("Type") == kind else []
        return here + [found for child in node.values() for found in _resources(child, kind)]
    return [found for child in node for found in _resources(child, kind)] if isinstance(node, list) else []


ALARMS = _alarms()


def test_the_stacks_have_alarms_on_metric_math() -> None:
    assert {name.rpartition("prod-")[2] for name in ALARMS} >= {"5xx-share", "p99", "tasks-below-desired"}


@pytest.mark.parametrize("metrics", ALARMS.values(), ids=ALARMS)
def test_every_alarm_of_the_stacks_can_be_evaluated(metrics: list[Json]) -> None:
    assert len(evaluate(metrics, lambda _stat: (None, 1.0, 50.0))) == 3


PERIODS = 6
IDS = ("a", "b", "c")


class Model:
    """A random expression beside a function that computes its value in one period."""

    def __init__(self, seed: random.Random, depth: int) -> None:
        kind = seed.choice(["metric", "filled", "binary", "if", "negative"]) if depth else "metric"
        children = {"metric": 0, "filled": 1, "binary": 2, "if": 3, "negative": 1}[kind]
        self.kind, self.children = kind, [Model(seed, depth - 1) for _ in range(children)]
        self.name, self.sign = seed.choice(IDS), seed.choice(["+", "-", "*", "/", ">=", ">", "<", "==", "AND", "OR"])
        self.number = seed.randint(0, 3)

    def __str__(self) -> str:
        parts = [str(child) for child in self.children]
        return {
            "metric": lambda: self.name,
            "filled": lambda: f"FILL({parts[0]}, {self.number})",
            "binary": lambda: f"({parts[0]} {self.sign} {parts[1]})",
            "if": lambda: f"IF({', '.join(parts)})",
            "negative": lambda: f"-{parts[0]}",
        }[self.kind]()

    def at(self, metrics: dict[str, Series], period: int) -> float | None:
        values = [child.at(metrics, period) for child in self.children]
        if self.kind == "metric":
            return metrics[self.name][period]
        if self.kind == "if":
            return _if(*values)
        if self.kind == "binary":
            return None if values == [None, None] else _binary(self.sign, *(each or 0 for each in values))
        [value] = values
        if self.kind == "filled":
            return self.number if value is None else value
        return None if value is None else -value


def _if(condition: float | None, when_true: float | None, when_false: float | None) -> float | None:
    if condition is None:
        return None
    return (when_true or 0) if condition else when_false


def _binary(sign: str, left: float, right: float) -> float | None:
    if sign == "/" and right == 0:
        return None
    if sign in {"AND", "OR"}:
        return all([left, right]) if sign == "AND" else any([left, right])
    return float(eval(f"left {sign} right", {"left": left, "right": right}))  # noqa: S307 - a sign of the model above


@pytest.mark.parametrize("seed", range(100))
def test_a_random_expression_has_the_value_of_the_model(seed: int) -> None:
    chosen = random.Random(seed)
    metrics: dict[str, Series] = {
        name: tuple(chosen.choice([None, 0.0, 1.0, 2.0, 7.5]) for _ in range(PERIODS)) for name in IDS
    }
    model = Model(chosen, depth=4)

    value: Value = calculate(str(model), metrics.__getitem__)

    assert value == tuple(model.at(metrics, period) for period in range(PERIODS)), str(model)
