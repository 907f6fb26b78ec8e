"""Make the fleet of a deployed service, vary its settings, and name the better ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from operations.errors import OperatorError
from operations.scale import shapes
from operations.scale.service import ScaledService
from operations.scale.shapes import Shape
from operations.scale.simulation import Fleet, Run, simulate
from operations.scale.target_tracking import Policy

BENCHMARK: Final = "https://aws.amazon.com/cn/blogs/china/amazon-ecs-introduces-new-high-resolution-metrics-for-faster-service-auto-scaling/"
"""AWS's benchmark of June 2026: 363 s to the scale-out and 386 s to the new task with metrics of a minute, 86 s and
109 s with metrics of 20 seconds."""
POINTS: Final = 3
"""Data points above the target, of which the scale-out's alarm needs each."""
PERIOD: Final = 60
DELAY: Final = 363 - POINTS * PERIOD
"""Seconds from the end of a minute to the decision that its data point leads to."""
FAST_PERIOD: Final = 20
FAST_DELAY: Final = 86 - POINTS * FAST_PERIOD
LAUNCH: Final = 386 - 363
"""Seconds from the decision to a running task, the pull of AWS's image included."""
START_CPU: Final = 1.12
"""CPU seconds of a worker process to its first response (bench/README.md, all four sinks)."""

CURRENT: Final = "current settings"
HIGH_RESOLUTION: Final = "high-resolution CPU metrics (20 s)"
_SAME_PRICE: Final = 1.02


def fleet_of(service: ScaledService, *, requests_per_vcpu: float, latency: float, launches_per_second: float) -> Fleet:
    """Return the tasks and policies that the template declares, for requests that take `latency` seconds.

    Raises `OperatorError` where a policy is missing.
    """
    scaling = service.scaling
    if scaling.requests_per_minute is None or scaling.cpu_percent is None:
        raise OperatorError(
            f"{scaling.service} has no policy that tracks requests a target, or none that tracks CPU",
            "Let the stacks have both, as infra/autoscaling.py adds them",
        )
    policy = partial(
        Policy,
        period=PERIOD,
        delay=DELAY,
        out_points=POINTS,
        out_cooldown=service.out_cooldown,
        in_cooldown=service.in_cooldown,
    )
    start = START_CPU * service.workers / scaling.serving_vcpu
    return Fleet(
        minimum=int(scaling.minimum),
        maximum=int(scaling.maximum),
        cpu_capacity=scaling.serving_vcpu * requests_per_vcpu,
        workers=service.workers,
        threads=service.threads,
        latency=latency,
        # A new target serves after its first successful health check ("Health checks for target groups", ELB).
        start_seconds=round(LAUNCH + start + service.health_interval),
        launches_per_second=launches_per_second,
        policies=(
            policy(metric="requests", target=scaling.requests_per_minute),
            policy(metric="cpu", target=scaling.cpu_percent),
        ),
    )


def target_load(fleet: Fleet) -> float:
    """Return the requests a second that the maximum of tasks serves at its targets."""
    return fleet.maximum * min(fleet.capacity, *map(fleet.requests_at_target, fleet.policies))


def variants(fleet: Fleet) -> Mapping[str, Fleet]:
    """Return the fleet with its current settings, and with one changed in each: threads where they bind before CPU."""
    requests, cpu = fleet.policies
    binding = min(fleet.policies, key=fleet.requests_at_target)
    fast = replace(cpu, period=FAST_PERIOD, delay=FAST_DELAY)
    doubling = replace(binding, out_points=1, step=1.0)
    twice = 2 * fleet.minimum
    threads = 2 * fleet.threads
    more_threads = {f"threads={threads}": replace(fleet, threads=threads)}
    return {
        CURRENT: fleet,
        f"minimum={twice}": replace(fleet, minimum=twice, maximum=max(fleet.maximum, twice)),
        f"maximum={2 * fleet.maximum}": replace(fleet, maximum=2 * fleet.maximum),
        f"REQUESTS_PER_TARGET = {requests.target / 2:g}": replace(
            fleet, policies=(replace(requests, target=requests.target / 2), cpu)
        ),
        f"REQUESTS_PER_TARGET = {requests.target * 2:g}": replace(
            fleet, policies=(replace(requests, target=requests.target * 2), cpu)
        ),
        f"CPU_PERCENT = {cpu.target * 2 / 3:g}": replace(
            fleet, policies=(requests, replace(cpu, target=cpu.target * 2 / 3))
        ),
        **(more_threads if fleet.thread_capacity < fleet.cpu_capacity else {}),
        "step scaling: tasks double after a minute": replace(fleet, policies=(requests, cpu, doubling)),
        HIGH_RESOLUTION: replace(fleet, policies=(requests, fast)),
    }


@dataclass(frozen=True, slots=True)
class Comparison:
    """The runs of all variants under one load."""

    shape: Shape
    runs: Mapping[str, Run]

    @property
    def best(self) -> str:
        """The variant with the fewest requests queued or rejected, and among those with the fewest task-hours."""
        return self._best(self.runs)

    @property
    def best_for_the_price(self) -> str:
        """The same, of those that take 2 % more task-hours than the current settings at most."""
        limit = self.runs[CURRENT].task_hours * _SAME_PRICE
        return self._best({name: run for name, run in self.runs.items() if run.task_hours <= limit})

    def _best(self, runs: Mapping[str, Run]) -> str:
        return min(runs, key=lambda name: (round(runs[name].delayed_requests), runs[name].task_hours))


def compare(fleet: Fleet, loads: Sequence[Shape]) -> list[Comparison]:
    """Run every variant under every load."""
    return [
        Comparison(shape, {name: simulate(each, shape) for name, each in variants(fleet).items()}) for shape in loads
    ]


def compare_built_in(fleet: Fleet, peak: float | None = None) -> list[Comparison]:
    """Run the built-in loads with that peak; None is what the maximum of tasks serves at its targets."""
    peak = target_load(fleet) if peak is None else peak
    return compare(fleet, [shapes.built_in(name).with_peak(peak) for name in shapes.BUILT_IN])
