from __future__ import annotations

import random

import pytest

from local.emulator.alarm_state import Evaluation, StateUpdate
from local.emulator.metric_math import Series

RETAIN = "Retain current state"
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")


def evaluation(datapoints: int, periods: int, missing_data: str) -> Evaluation:
    return Evaluation(
        evaluation_periods=periods,
        datapoints_to_alarm=datapoints,
        comparison="GreaterThanThreshold",
        threshold=5.0,
        missing_data=missing_data,
    )


def update_of(settings: Evaluation, points: str, state: str = "OK") -> StateUpdate | None:
    values: Series = tuple({"0": 0.0, "X": 6.0, "-": None}[each] for each in points)
    return settings.state(values, state, [60.0 * index for index in range(len(points))])


# "Configuring how CloudWatch alarms treat missing data", User Guide: both tables.
@pytest.mark.parametrize(
    ("datapoints", "points", "states"),
    [
        (3, "0-X-X", ["OK", "OK", "OK", "OK"]),
        (3, "0----", ["OK", "OK", "OK", "OK"]),
        (3, "-----", ["INSUFFICIENT_DATA", RETAIN, "ALARM", "OK"]),
        (3, "0XX-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (3, "--X--", ["ALARM", RETAIN, "ALARM", "OK"]),
        (3, "----X", ["INSUFFICIENT_DATA", RETAIN, "ALARM", "OK"]),
        (2, "0-X-X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "00X0X", ["ALARM", "ALARM", "ALARM", "ALARM"]),
        (2, "0-X--", ["OK", "OK", "ALARM", "OK"]),
        (2, "----0", ["OK", "OK", "ALARM", "OK"]),
        (2, "---X-", ["ALARM", RETAIN, "ALARM", "OK"]),
    ],
)
def test_missing_data_is_treated_as_in_the_user_guide(datapoints: int, points: str, states: list[str]) -> None:
    updates = [update_of(evaluation(datapoints, 3, treatment), points) for treatment in TREATMENTS]
    assert [RETAIN if update is None else update.state for update in updates] == states


@pytest.mark.parametrize("seed", range(100))
def test_without_missing_data_m_of_the_last_n_decide(seed: int) -> None:
    chosen = random.Random(seed)
    periods = chosen.randint(1, 8)
    datapoints = chosen.randint(1, periods)
    settings = evaluation(datapoints, periods, chosen.choice(TREATMENTS))
    points = "".join(chosen.choices("0X", k=settings.range))

    update = update_of(settings, points)

    assert update is not None
    assert update.state == ("ALARM" if points[-periods:].count("X") >= datapoints else "OK")


@pytest.mark.parametrize("seed", range(100))
def test_missing_data_is_never_worse_than_breaching_and_never_better_than_not_breaching(seed: int) -> None:
    chosen = random.Random(seed)
    periods = chosen.randint(1, 6)
    datapoints = chosen.randint(1, periods)
    points = "".join(chosen.choices("0X-", k=evaluation(datapoints, periods, "missing").range))
    states = {}
    for treatment in TREATMENTS:
        update = update_of(evaluation(datapoints, periods, treatment), points)
        states[treatment] = update.state if update else RETAIN

    assert {states["breaching"], states["notBreaching"]} <= {"OK", "ALARM"}
    if states["notBreaching"] == "ALARM":
        assert set(states.values()) == {"ALARM"}
    if states["breaching"] == "OK":
        assert set(states.values()) == {"OK"}
    assert (states["ignore"] == RETAIN) == (states["missing"] != states["notBreaching"])


@pytest.mark.parametrize(
    ("points", "treatment", "state", "reason"),
    [
        (
            "00X0X",
            "missing",
            "OK",
            "Threshold Crossed: 2 out of the last 3 datapoints [6.0 (01/01/70 00:04:00), 6.0 (01/01/70 00:02:00)]"
            " were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition).",
        ),
        (
            "XXX00",
            "missing",
            "ALARM",
            "Threshold Crossed: 2 out of the last 3 datapoints [0.0 (01/01/70 00:04:00), 0.0 (01/01/70 00:03:00)]"
            " were not greater than the threshold (5.0) (minimum 2 datapoints for ALARM -> OK transition).",
        ),
        (
            "-----",
            "notBreaching",
            "INSUFFICIENT_DATA",
            "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints were treated as"
            " [NonBreaching].",
        ),
        ("-----", "missing", "OK", "Insufficient Data: 3 datapoints were unknown."),
        (
            "----X",
            "breaching",
            "OK",
            "Threshold Crossed: 1 out of the last 1 datapoints [6.0 (01/01/70 00:04:00)] was greater than the threshold"
            " (5.0) and 2 missing datapoints were treated as [Breaching] (minimum 2 datapoints for OK -> ALARM"
            " transition).",
        ),
    ],
)
def test_the_reason_is_worded_as_by_cloudwatch(points: str, treatment: str, state: str, reason: str) -> None:
    update = update_of(evaluation(2, 3, treatment), points, state)
    assert update is not None
    assert update.reason == reason


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [6.0]),
        ("GreaterThanOrEqualToThreshold", [5.0, 6.0]),
        ("LessThanThreshold", [4.0]),
        ("LessThanOrEqualToThreshold", [4.0, 5.0]),
    ],
)
def test_a_data_point_is_compared_with_the_threshold(comparison: str, breaching: list[float]) -> None:
    settings = Evaluation(
        evaluation_periods=1, datapoints_to_alarm=1, comparison=comparison, threshold=5.0, missing_data="missing"
    )
    updates = {value: settings.state((None, None, value), "OK", (0, 60, 120)) for value in (4.0, 5.0, 6.0)}
    assert [value for value, update in updates.items() if update and update.state == "ALARM"] == breaching
