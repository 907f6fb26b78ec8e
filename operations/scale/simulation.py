"""Simulate second by second how a service's tasks follow a load, and what its requests notice."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from operations.cost.units import HOUR_SECONDS, MINUTE_SECONDS
from operations.scale.shapes import Shape
from operations.scale.target_tracking import Policy, Scaler


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The tasks of a service, and its scaling policies."""

    minimum: int
    maximum: int
    cpu_capacity: float
    """Requests a second that a task serves with all of its CPU."""
    thread_capacity: float = math.inf
    """Requests a second that a task's threads serve, each of them one at a time."""
    queue: int
    """Requests that wait in a task before it answers 503."""
    start_seconds: int
    """From the decision to a task's first request."""
    launches_per_second: float
    policies: Sequence[Policy]

    @property
    def capacity(self) -> float:
        """Requests a second that a task serves."""
        return min(self.cpu_capacity, self.thread_capacity)

    def steady(self, load: float) -> int:
        """Return the tasks after a long time at `load`."""
        wanted = [load * MINUTE_SECONDS / each.target for each in self.policies if each.metric == "requests"]
        wanted += [load / self.cpu_capacity * 100 / each.target for each in self.policies if each.metric == "cpu"]
        return min(self.maximum, max(self.minimum, math.ceil(max(wanted, default=0.0) - 1e-9)))


@dataclass(slots=True)
class Run:
    """What came of a simulation. Series have one value a minute, at its end, and one at the end of all."""

    arrived: float = 0.0
    served: float = 0.0
    rejected: float = 0.0
    """Requests that got a 503: more than the tasks' queues hold."""
    waiting: float = 0.0
    """At the end."""
    longest_wait: float = 0.0
    """Seconds that the last of a queue waited."""
    overloaded: list[int] = field(default_factory=list)
    """The seconds in which more came, or waited, than the tasks could serve."""
    delayed: float = 0.0
    """Requests of these seconds: queued or rejected."""
    task_seconds: float = 0.0
    reaction: int | None = None
    """Seconds from the load that exceeds the tasks' targets, and stays, to the first new task that serves."""
    loads: list[float] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    desired: list[int] = field(default_factory=list)

    @property
    def queued(self) -> float:
        """Requests that waited, and were served."""
        return self.delayed - self.rejected

    @property
    def overloaded_seconds(self) -> int:
        """The number of these seconds."""
        return len(self.overloaded)

    @property
    def task_hours(self) -> float:
        """Of running tasks, those that start included."""
        return self.task_seconds / HOUR_SECONDS


class _Metrics:
    """Collect the data points of one policy, which are published late."""

    def __init__(self, policy: Policy, cpu_capacity: float) -> None:
        self.policy = policy
        self._cpu_capacity = cpu_capacity
        self._arrived = self._served = self._task_seconds = 0.0
        self.unpublished: deque[tuple[int, float]] = deque()

    def add(self, second: int, arrived: float, served: float, tasks: int) -> None:
        self._arrived += arrived
        self._served += served
        self._task_seconds += tasks
        if (second + 1) % self.policy.period == 0:
            self.unpublished.append((second + 1 + self.policy.delay, self._value()))
            self._arrived = self._served = self._task_seconds = 0.0

    def _value(self) -> float:
        if self.policy.metric == "requests":
            return self._arrived * MINUTE_SECONDS / self._task_seconds
        return 100 * self._served / (self._task_seconds * self._cpu_capacity)


class Simulation:
    """One service under one load, from the state that the load's first second would have led to."""

    def __init__(self, fleet: Fleet, first_load: float) -> None:
        self._fleet = fleet
        self.serving = fleet.steady(first_load)
        self._scaler = Scaler(fleet.policies, fleet.minimum, fleet.maximum, self.serving)
        self._metrics = [_Metrics(policy, fleet.cpu_capacity) for policy in fleet.policies]
        self._starting: list[int] = []
        """The seconds at which tasks begin to serve."""
        self._excess_since: int | None = None
        self._tasks_at_excess = self.serving
        self.run = Run()

    def step(self, second: int, load: float) -> None:
        """Go through one second."""
        self._publish(second)
        self._start_and_stop(second)
        run, capacity = self.run, self.serving * self._fleet.capacity
        offered = run.waiting + load
        served = min(offered, capacity)
        room = self.serving * self._fleet.queue
        rejected = max(0.0, offered - served - room)
        run.waiting = offered - served - rejected
        run.arrived += load
        run.served += served
        run.rejected += rejected
        run.task_seconds += self.serving + len(self._starting)
        if offered > capacity + 1e-9:
            run.overloaded.append(second)
            run.delayed += load
            run.longest_wait = max(run.longest_wait, run.waiting / capacity)
        for metrics in self._metrics:
            metrics.add(second, load, served, self.serving)
        self._time_reaction(second, load)
        if (second + 1) % MINUTE_SECONDS == 0:
            self.note(load)

    def note(self, load: float) -> None:
        """Add the state to the series."""
        self.run.loads.append(load)
        self.run.tasks.append(self.serving)
        self.run.desired.append(self._scaler.desired)

    def _publish(self, second: int) -> None:
        for index, metrics in enumerate(self._metrics):
            while metrics.unpublished and metrics.unpublished[0][0] <= second:
                self._scaler.observe(second, index, metrics.unpublished.popleft()[1])

    def _start_and_stop(self, second: int) -> None:
        while self._starting and self._starting[0] <= second:
            heapq.heappop(self._starting)
            self.serving += 1
        missing = self._scaler.desired - self.serving - len(self._starting)
        for number in range(missing):
            delay = self._fleet.start_seconds + int(number / self._fleet.launches_per_second)
            heapq.heappush(self._starting, second + delay)
        for _ in range(-missing):
            if self._starting:
                self._starting.remove(max(self._starting))
                heapq.heapify(self._starting)
            else:
                self.serving -= 1

    def _time_reaction(self, second: int, load: float) -> None:
        if self.run.reaction is not None:
            return
        if self._excess_since is None:
            if self._fleet.steady(load) > self.serving:
                self._excess_since, self._tasks_at_excess = second, self.serving
        elif self.serving > self._tasks_at_excess:
            self.run.reaction = second - self._excess_since
        elif self._fleet.steady(load) <= self._tasks_at_excess:
            self._excess_since = None


def simulate(fleet: Fleet, shape: Shape) -> Run:
    """Return what comes of `shape` on `fleet`."""
    loads = shape.loads()
    simulation = Simulation(fleet, loads[0])
    for second, load in enumerate(loads):
        simulation.step(second, load)
    if len(loads) % MINUTE_SECONDS:
        simulation.note(loads[-1])
    return simulation.run
