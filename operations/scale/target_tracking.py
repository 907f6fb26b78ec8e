"""Decide the number of tasks as target tracking of Application Auto Scaling does.

It scales out in proportion to a metric above its target, by the policy that asks for most tasks, and scales in only if
all policies ask for it ("Target tracking scaling policies for Application Auto Scaling"). The guide does not state when
alarms fire: those that it creates are reported to need three data points above the target, and fifteen minutes under
90 % of it. For the fifteen there is no source of AWS: a scale-in can be earlier.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

COOLDOWN: Final = 300
"""Seconds, of both directions, where a policy sets none ("BaseTargetTrackingProps", AWS CDK: ECS services)."""
_SCALE_IN_SHARE: Final = 0.9
_SCALE_IN_SECONDS: Final = 900
ROUNDING: Final = 1e-9
"""Floating-point error: 6 full tasks are no 7."""

Metric = Literal["requests", "cpu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Keep `metric` at `target`: requests a minute and task, or CPU in per cent.

    A data point covers `period` seconds and is published `delay` seconds after its end. With `step` the policy is a
    step scaling one, which adds that share of the tasks whatever the metric's value.
    """

    metric: Metric
    target: float
    period: int
    delay: int
    out_points: int = 3
    out_cooldown: int = COOLDOWN
    in_cooldown: int = COOLDOWN
    step: float | None = None

    @property
    def in_points(self) -> int:
        """Data points of fifteen minutes."""
        return _SCALE_IN_SECONDS // self.period

    def desired_tasks(self, tasks: int, value: float) -> int:
        """Return the tasks that bring `value`, measured on `tasks`, to the target: proportional, rounded up."""
        if self.step is not None and value > self.target:
            return tasks + math.ceil(tasks * self.step)
        return math.ceil(tasks * value / self.target - ROUNDING)


@dataclass(slots=True)
class Scaler:
    """The scalable target with its policies."""

    policies: Sequence[Policy]
    minimum: int
    maximum: int
    desired: int
    _history: Mapping[int, deque[float]] = field(init=False)
    _tasks_before_activity: int = field(init=False)
    """Tasks before the scale-out activity whose cooldown is running."""
    _out_until: int = 0
    _in_until: int = 0

    def __post_init__(self) -> None:
        self._history = {index: deque(maxlen=policy.in_points) for index, policy in enumerate(self.policies)}
        self._tasks_before_activity = self.desired

    def observe(self, second: int, index: int, value: float) -> None:
        """Evaluate the alarms after a data point of the policy of that index was published."""
        policy, history = self.policies[index], self._history[index]
        history.append(value)
        newest = list(history)[-policy.out_points :]
        if len(newest) == policy.out_points and all(each > policy.target for each in newest):
            self._scale_out(second, policy, value)
        elif second >= self._in_until:
            self._scale_in(second)

    def _scale_out(self, second: int, policy: Policy, value: float) -> None:
        # During a cooldown only a larger activity starts, and the first one's tasks count as a part of it.
        cooling = second < self._out_until
        before = self._tasks_before_activity if cooling else self.desired
        desired = min(policy.desired_tasks(before, value), self.maximum)
        if desired > self.desired:
            self._tasks_before_activity, self.desired = before, desired
            self._out_until = second + policy.out_cooldown

    def _scale_in(self, second: int) -> None:
        desired = self.minimum
        for index, policy in enumerate(self.policies):
            history = self._history[index]
            if len(history) < policy.in_points or max(history) >= _SCALE_IN_SHARE * policy.target:
                return
            desired = max(desired, math.ceil(self.desired * history[-1] / policy.target - ROUNDING))
        if desired < self.desired:
            self.desired = desired
            self._in_until = second + max(policy.in_cooldown for policy in self.policies)
