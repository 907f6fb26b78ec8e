"""Simulate second by second how the tasks of a service follow a load, and how its requests queue."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from operations.cost.units import HOUR_SECONDS, MINUTE_SECONDS
from operations.scale.shapes import Shape
from operations.scale.target_tracking import ROUNDING, Policy, Scaler

WORKER_CONNECTIONS: Final = 4096
"""Of a worker process (`worker_connections`, flask_onetrace/gunicorn_conf.py)."""
IDLE_TIMEOUT: Final = 60
"""Seconds after which the load balancer answers 504 ("Load balancer attributes": idle timeout, its default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The tasks of a service, and its scaling policies."""

    minimum: int
    maximum: int
    cpu_capacity: float
    """Requests a second that a task serves with all of its CPU."""
    workers: int
    """Processes of a task."""
    threads: int
    """Of a process: each serves one request at a time."""
    latency: float
    """Seconds that a request takes."""
    connections: int = WORKER_CONNECTIONS
    """That a process keeps open, those of waiting requests included."""
    start_seconds: int
    """From the decision to a task's first request."""
    launches_per_second: float
    policies: Sequence[Policy]

    @property
    def thread_capacity(self) -> float:
        """Requests a second that the threads of a task serve."""
        return self.workers * self.threads / self.latency

    @property
    def capacity(self) -> float:
        """Requests a second that a task serves."""
        return min(self.cpu_capacity, self.thread_capacity)

    @property
    def queue(self) -> int:
        """Requests that wait in a task before it answers 503: no more than it serves before they time out."""
        return int(min(self.workers * self.connections, self.capacity * IDLE_TIMEOUT))

    def requests_at_target(self, policy: Policy) -> float:
        """Return the requests a second of a task above which `policy` adds tasks.

        It is infinite for a CPU target that a task never exceeds, as its threads are all busy before.
        """
        if policy.metric == "requests":
            return policy.target / MINUTE_SECONDS
        requests = self.cpu_capacity * policy.target / 100
        return requests if requests < self.capacity else math.inf

    def steady_tasks(self, load: float) -> int:
        """Return the tasks after a long time at `load`."""
        of_task = min(map(self.requests_at_target, self.policies), default=math.inf)
        return min(self.maximum, max(self.minimum, math.ceil(load / of_task - ROUNDING)))


@dataclass(slots=True)
class Run:
    """The result of a simulation. Series have one value a minute, at its end, and one at the end of all."""

    arrivals: float = 0.0
    completions: float = 0.0
    rejections: float = 0.0
    """Requests that got a 503, as the tasks' queues were full."""
    backlog: float = 0.0
    """Requests in the queues at the end."""
    longest_wait: float = 0.0
    """Seconds that the last of a queue waited."""
    overload: list[int] = field(default_factory=list)
    """The seconds in which arrivals and backlog exceeded the capacity."""
    delayed_requests: float = 0.0
    """Requests that arrived in these seconds, and were queued or rejected."""
    task_seconds: float = 0.0
    reaction: int | None = None
    """Seconds from the load that exceeds the tasks' targets, and stays, to the first new task that serves."""
    loads: list[float] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)
    desired: list[int] = field(default_factory=list)

    @property
    def queued_requests(self) -> float:
        """Requests that were queued."""
        return self.delayed_requests - self.rejections

    @property
    def overloaded_seconds(self) -> int:
        """The number of seconds of overload."""
        return len(self.overload)

    @property
    def task_hours(self) -> float:
        """Of running tasks, those that start included."""
        return self.task_seconds / HOUR_SECONDS


class _Metrics:
    """Collect the data points of one policy, which are published late."""

    def __init__(self, policy: Policy, cpu_capacity: float) -> None:
        self.policy = policy
        self._cpu_capacity = cpu_capacity
        self._arrivals = self._completions = self._task_seconds = 0.0
        self.unpublished: deque[tuple[int, float]] = deque()

    def add(self, second: int, arrivals: float, completions: float, tasks: int) -> None:
        self._arrivals += arrivals
        self._completions += completions
        self._task_seconds += tasks
        if (second + 1) % self.policy.period == 0:
            self.unpublished.append((second + 1 + self.policy.delay, self._value()))
            self._arrivals = self._completions = self._task_seconds = 0.0

    def _value(self) -> float:
        if self.policy.metric == "requests":
            return self._arrivals * MINUTE_SECONDS / self._task_seconds
        return 100 * self._completions / (self._task_seconds * self._cpu_capacity)


class Simulation:
    """One service under one load, from the state that the load's first second would have led to."""

    def __init__(self, fleet: Fleet, first_load: float) -> None:
        self._fleet, self._capacity, self._queue = fleet, fleet.capacity, fleet.queue
        self.serving = fleet.steady_tasks(first_load)
        self._scaler = Scaler(fleet.policies, fleet.minimum, fleet.maximum, self.serving)
        self._metrics = [_Metrics(policy, fleet.cpu_capacity) for policy in fleet.policies]
        self._starting: list[int] = []
        """The seconds at which tasks begin to serve, a heap."""
        self._excess_since: int | None = None
        self._tasks_at_excess = self.serving
        self.run = Run()

    def step(self, second: int, load: float) -> None:
        """Advance by one second."""
        self._publish(second)
        self._start_and_stop(second)
        run, capacity = self.run, self.serving * self._capacity
        demand = run.backlog + load
        completions = min(demand, capacity)
        rejections = max(0.0, demand - completions - self.serving * self._queue)
        run.backlog = demand - completions - rejections
        run.arrivals += load
        run.completions += completions
        run.rejections += rejections
        run.task_seconds += self.serving + len(self._starting)
        if demand > capacity + ROUNDING:
            run.overload.append(second)
            run.delayed_requests += load
            run.longest_wait = max(run.longest_wait, run.backlog / capacity)
        for metrics in self._metrics:
            metrics.add(second, load, completions, self.serving)
        self._time_reaction(second, load)
        if (second + 1) % MINUTE_SECONDS == 0:
            self.record(load)

    def record(self, load: float) -> None:
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
            if self._fleet.steady_tasks(load) > self.serving:
                self._excess_since, self._tasks_at_excess = second, self.serving
        elif self.serving > self._tasks_at_excess:
            self.run.reaction = second - self._excess_since
        elif self._fleet.steady_tasks(load) <= self._tasks_at_excess:
            self._excess_since = None


def simulate(fleet: Fleet, shape: Shape) -> Run:
    """Run `fleet` under the load of `shape`."""
    loads = shape.loads()
    simulation = Simulation(fleet, loads[0])
    for second, load in enumerate(loads):
        simulation.step(second, load)
    if len(loads) % MINUTE_SECONDS:
        simulation.record(loads[-1])
    return simulation.run
