"""Evaluate the state of a metric alarm: M out of N data points, and what stands for missing ones.

Source: "Alarm evaluation" and "Configuring how CloudWatch alarms treat missing data", CloudWatch User Guide.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from local.emulator.metric_math import Series

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT_DATA: Final = "INSUFFICIENT_DATA"

EXTRA_PERIODS: Final = 2
"""The evaluation range is this much longer than the evaluation periods, as in the User Guide's examples (3 and 5)."""

COMPARISONS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
}
_TREATED_AS: Final = {"breaching": "Breaching", "notBreaching": "NonBreaching"}


class StateUpdate(NamedTuple):
    """The state that an evaluation results in, and the reason (`StateValue` and `StateReason` of an alarm)."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """The settings of an alarm (PutMetricAlarm, CloudWatch API reference)."""

    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing_data: str
    """missing, ignore, breaching or notBreaching."""

    @property
    def range(self) -> int:
        """Return how many of the last periods are looked at."""
        return self.evaluation_periods + EXTRA_PERIODS

    def state(self, series: Series, state: str, times: Sequence[float]) -> StateUpdate | None:
        """Return the new state, None where the present `state` is to be kept.

        `series` has the values of the last `range` periods, the oldest first, which begin at `times` (seconds since
        the epoch, for the reason's text).
        """
        breaches, _ = COMPARISONS[self.comparison]
        points = [
            _Point(age, value, breaches(value, self.threshold), time)
            for age, (value, time) in enumerate(zip(reversed(series), reversed(times), strict=True))
            if value is not None
        ]
        evaluated = points[: self.evaluation_periods]
        missing = self.evaluation_periods - len(evaluated)
        breaching = sum(each.breaching for each in evaluated)
        if missing and self.missing_data == "breaching":
            breaching += missing
        if breaching >= self.datapoints_to_alarm:
            return self._threshold_crossed(ALARM, state, evaluated, missing)
        if not missing or self.missing_data in _TREATED_AS or not all(each.breaching for each in points):
            return self._threshold_crossed(OK, state, evaluated, missing)
        if self.missing_data == "ignore":
            return None
        # "Avoiding premature transitions to alarm state": the oldest data point, which is breaching like all others,
        # must be as old as M.
        if points and points[-1].age + 1 >= self.datapoints_to_alarm:
            return self._threshold_crossed(ALARM, state, evaluated, missing)
        unknown = f"{missing} datapoint was" if missing == 1 else f"{missing} datapoints were"
        return StateUpdate(INSUFFICIENT_DATA, f"Insufficient Data: {unknown} unknown.")

    def _threshold_crossed(self, new: str, old: str, evaluated: Sequence[_Point], missing: int) -> StateUpdate:
        """Word the reason as CloudWatch does."""
        filled = f"{missing} missing datapoints were treated as [{_TREATED_AS.get(self.missing_data, 'Missing')}]"
        if not evaluated:
            return StateUpdate(
                new,
                f"Threshold Crossed: no datapoints were received for {self.evaluation_periods} periods and {filled}.",
            )
        named = [each for each in evaluated if each.breaching == (new == ALARM)]
        needed = self.datapoints_to_alarm
        needed = needed if new == ALARM else self.evaluation_periods - needed + 1
        verb = ("was" if len(named) == 1 else "were") + ("" if new == ALARM else " not")
        return StateUpdate(
            new,
            f"Threshold Crossed: {len(named)} out of the last {len(evaluated)} datapoints"
            f" [{', '.join(str(each) for each in named)}] {verb} {COMPARISONS[self.comparison][1]} the threshold"
            f" ({self.threshold})"
            + (f" and {filled}" if missing else "")
            + f" (minimum {needed} datapoint{'' if needed == 1 else 's'} for {old} -> {new} transition).",
        )


class _Point(NamedTuple):
    age: int
    """In periods: 0 is the last one."""
    value: float
    breaching: bool
    time: float

    def __str__(self) -> str:
        return f"{self.value} ({datetime.fromtimestamp(self.time, UTC):%d/%m/%y %H:%M:%S})"
