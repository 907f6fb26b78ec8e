from __future__ import annotations

import json

import pytest

from tests.local.emulator.test_process import run

DIRECTIVE = {"Namespace": "N", "Dimensions": [["Sink"], []], "Metrics": [{"Name": "Dropped", "Unit": "Count"}]}


def metrics_of(message: str) -> list[list[object]]:
    """Import the module in another process, as ministack configures logging and reads the environment."""
    program = f"""
import json
from local.emulator.embedded_metrics import metrics_of
print(json.dumps(list(metrics_of({message!r}))))
"""
    metrics: list[list[object]] = json.loads(run(program))
    return metrics


def event(**fields: object) -> str:
    return json.dumps({"_aws": {"Timestamp": 5000, "CloudWatchMetrics": [DIRECTIVE]}, **fields})


def test_each_set_of_dimensions_has_each_value() -> None:
    assert metrics_of(event(Sink="rollbar", Dropped=3)) == [
        ["N", "Dropped", {"Sink": "rollbar"}, 3, "Count", 5],
        ["N", "Dropped", {}, 3, "Count", 5],
    ]
    assert [each[3] for each in metrics_of(event(Sink="rollbar", Dropped=[1, 2]))] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    "message",
    [
        "text",
        '{"a": 1}',
        '"CloudWatchMetrics"',
        '{"CloudWatchMetrics": []}',
        '{"_aws": {"CloudWatchMetrics": 1}}',
        '{"_aws": {"CloudWatchMetrics": [{"Namespace": "N", "Metrics": [{"Name": "a"}]}]}, "a": 1}',
        event(Dropped=3),
        event(Sink="rollbar"),
        event(Sink="rollbar", Dropped="many"),
        event(Sink="rollbar", Dropped=float("nan")),
        event(Sink="rollbar", Dropped=10**400),
        event(Sink="rollbar", Dropped=3).replace("5000", "1e999"),
        event(Sink="rollbar", Dropped=3, deep=0).replace('"deep": 0', f'"deep": {"[" * 90_000}'),
    ],
)
def test_an_event_that_does_not_follow_the_specification_has_none(message: str) -> None:
    assert metrics_of(message) == []
