"""The results of an analysis in sentences: for the terminal and for docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from operations.cost.arguments import DEFAULT_REGION
from operations.scale.analysis import CPU_BOUND, ScalingAnalysis
from operations.scale.headroom import LARGEST, SMALLEST, Row
from operations.scale.limits import Limit
from operations.scale.load import Load
from operations.scale.simulation import IDLE_TIMEOUT
from operations.scale.variants import (
    BENCHMARK,
    CURRENT,
    DELAY,
    FAST_DELAY,
    FAST_PERIOD,
    LAUNCH,
    PERIOD,
    POINTS,
    START_CPU,
    Comparison,
    target_load,
)

FAR: Final = 1e6
"""Requests a second: a limit that is not reached below is no concern."""
_NAMED: Final = 3
"""Limits in the conclusion."""
_TINY: Final = 0.001
_WHOLE: Final = 10.0


def conclusion(analysis: ScalingAnalysis, rows: Sequence[Row]) -> str:
    """Return the highest load that the environment serves as configured, and the limits that are reached first."""
    name = analysis.service.environment
    points = [(row.limit, row.reached_at) for row in rows if row.reached_at is not None]
    if not points:
        return f"{name} reaches no limit up to {LARGEST:,.0f} requests/s, the highest load that is analysed."
    limit, capacity = points[0]
    phrase = phrase_of(limit, analysis.load_at(capacity))
    if capacity <= SMALLEST:
        return f"{name} exceeds {phrase} at any load from {SMALLEST:g} requests/s on."
    more = (f"{phrase_of(each, analysis.load_at(at))} at {count(at)}" for each, at in points[1:_NAMED])
    then = f", then {' and '.join(more)}" if len(points) > 1 else ""
    return f"{name} serves {count(capacity)} requests/s as configured: {phrase} is reached first{then}."


def phrase_of(limit: Limit, load: Load) -> str:
    """Return a limit with its value, for a sentence."""
    value = count(limit.value(load)) if limit.value else ""
    phrase = limit.phrase or f"the limit of {limit.name} ({{value}} {limit.unit})"
    return phrase.replace("{value}", value)


def far_limits(rows: Sequence[Row]) -> str:
    """Return the names of the limits that are not reached below `FAR`, empty without one."""
    names = "; ".join(row.limit.name for row in rows if row.reached_at is None or row.reached_at >= FAR)
    return f"Not reached below {FAR:,.0f} requests/s: {names}." if names else ""


def headroom(analysis: ScalingAnalysis) -> Iterator[str]:
    """Yield the headroom of a task, and of the account's quota of vCPU."""
    fleet, load = analysis.fleet, analysis.load_at(target_load(analysis.fleet))
    of_task = load.requests / fleet.maximum
    binding = "threads" if fleet.thread_capacity < fleet.cpu_capacity else "CPU"
    yield (
        f"At {count(load.requests)} requests/s {fleet.maximum} tasks get {count(of_task)} each. A task serves "
        f"{fleet.capacity / of_task:.1f} times as many, limited by its {binding}: raise `REQUESTS_PER_TARGET` of "
        "infra/autoscaling.py before `maximum`."
    )
    yield (
        f"The account's quota is {count(analysis.quota('fargate-vcpu'))} vCPU on demand, unless raised. A rolling "
        f"deployment runs {analysis.service.maximum_percent:g} % of the tasks, which then take "
        f"{count(load.deploying_tasks * analysis.service.scaling.vcpu)}: request more before you raise `maximum`."
    )


def recommendations(comparisons: Sequence[Comparison]) -> Sequence[str]:
    """Return the best setting for each load, in one sentence where the current ones do."""
    if any(round(each.runs[CURRENT].delayed_requests) for each in comparisons):
        return list(map(_recommendation, comparisons))
    return ["Keep the current settings: they serve every request of these loads at once."]


def _recommendation(comparison: Comparison) -> str:
    """Return the best setting for one load."""
    runs, name = comparison.runs, comparison.shape.name
    now = runs[CURRENT].delayed_requests
    if not round(now):
        return f"{name}: the current settings serve every request at once. Keep them."
    if comparison.best == CURRENT:
        return f"{name}: no other setting queues or rejects fewer than the {count(now)} requests of the current ones."
    best, cheap = comparison.best, comparison.best_for_the_price
    fewest = f"{name}: {best} queues or rejects {count(runs[best].delayed_requests)} requests instead of {count(now)}"
    if cheap in (best, CURRENT):
        return f"{fewest}."
    return f"{fewest}. At the same task-hours: {cheap}, {count(runs[cheap].delayed_requests)}."


def of_the_sample(analysis: ScalingAnalysis) -> str:
    """Return which application the figures are of, and how to measure another one."""
    return (
        f"The figures take {count(analysis.measured.requests_per_vcpu)} requests/s a vCPU and {analysis.latency:g} s a "
        "request, the sample application's unless given. Measure yours in CloudWatch and give it as REQUESTS_PER_VCPU: "
        "requests/s ÷ vCPU in use, which is CPUUtilization (ECS) ÷ 100 of the vCPU of all tasks."
    )


def assumptions(analysis: ScalingAnalysis) -> Sequence[str]:
    """Return each value that neither the template nor a quota states, with its source."""
    measured, fleet = analysis.measured, analysis.fleet
    return (
        f"A vCPU serves {measured.requests_per_vcpu:,.0f} requests/s, unless REQUESTS_PER_VCPU is given as make "
        "bench-bytes measures it for the sample application, with all sinks on and every request sampled "
        f"({measured.measured_on}). The container of a task then serves {fleet.cpu_capacity:,.0f}, "
        f"and its threads {fleet.thread_capacity:,.0f}.",
        f"The application with 10 ms of CPU for a request serves {CPU_BOUND:g} requests/s a vCPU. This is an example "
        "and no measurement.",
        f"{100 * analysis.failed_share:g} % of the requests fail, all with one cause (FAILED); each request takes "
        f"{analysis.latency:g} s (LATENCY).",
        f"The scaling decision comes {POINTS * PERIOD + DELAY} s after the load with metrics of a minute, and "
        f"{POINTS * FAST_PERIOD + FAST_DELAY} s after it with metrics of 20 s; the task runs {LAUNCH} s later. Both "
        f"were measured for CPU by AWS in June 2026, on a page in Chinese ({BENCHMARK}). For requests a target AWS "
        "publishes no such figures: the same are taken. The benchmark's image is not this project's.",
        f"A task serves its first request {fleet.start_seconds} s after the decision: {LAUNCH} s to run, {START_CPU} "
        "CPU seconds of each worker (bench/README.md) with the container's share of the CPU, and one health check, "
        f"{analysis.service.health_interval:g} s.",
        f"A task queues at most {fleet.queue:,} requests: the connections of its workers, or what it serves in the "
        f"{IDLE_TIMEOUT} s after which the load balancer answers 504. It rejects more with 503. Clients do not retry.",
        "Tasks are added after 3 of 3 data points above the target, and removed after 15 of 15 minutes under 90 % of "
        "it. This is what users of target tracking report; AWS's guide states no numbers, and a scale-in can be "
        "earlier. The tasks that one scale-in removes are not published: here they are in proportion, rounded.",
        f"The cost is by the list prices of {DEFAULT_REGION}, a whole month at that load.",
        "Load is spread evenly over tasks and processes, and no other service of the account uses the quotas.",
    )


def share(utilization: float) -> str:
    """Return a share in per cent, from ten times the limit on as `33x`."""
    if utilization >= _WHOLE:
        return f"{utilization:,.0f}x"
    if utilization < _TINY:
        return "0 %" if utilization == 0 else "<0.1 %"
    percent = 100 * utilization
    return f"{percent:,.0f} %" if percent >= _WHOLE else f"{percent:.1f} %"


def count(value: float) -> str:
    """Return a number with thousands separated, to three digits below ten."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE or value == int(value) else f"{value:.3g}"


def reached_at(row: Row) -> str:
    """Return the load at which the limit of `row` is reached."""
    return "—" if row.reached_at is None else count(row.reached_at)
