"""Say in sentences what an analysis gives: for the terminal and for docs/scale.md."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from operations.scale.analysis import CPU_BOUND, ScalingAnalysis
from operations.scale.headroom import LARGEST, SMALLEST, Row
from operations.scale.limits import Limit
from operations.scale.load import Load
from operations.scale.variants import (
    BENCHMARK,
    CURRENT,
    DELAY,
    FAST_DELAY,
    FAST_PERIOD,
    IDLE_TIMEOUT,
    LAUNCH,
    PERIOD,
    POINTS,
    START_CPU,
    Comparison,
)

FAR: Final = 1e6
"""Requests a second: a limit that is not reached below is no concern."""
_NAMED: Final = 3
"""Limits in the conclusion."""
_TINY: Final = 0.001
_WHOLE: Final = 10.0


def conclusion(analysis: ScalingAnalysis, rows: Sequence[Row]) -> str:
    """Return up to which load the environment serves as it is configured, and which limits are reached first."""
    name = analysis.service.environment
    reached = [(row.limit, row.reached_at) for row in rows if row.reached_at is not None]
    if not reached:
        return f"{name} reaches no limit up to {LARGEST:,.0f} requests/s."
    limit, serves = reached[0]
    phrase = described(limit, analysis.load_at(serves))
    if serves <= SMALLEST:
        return f"{name} serves less than {SMALLEST:g} requests/s as configured: {phrase} is reached below."
    more = (f"{described(each, analysis.load_at(at))} at {count(at)}" for each, at in reached[1:_NAMED])
    then = f", then {' and '.join(more)}" if len(reached) > 1 else ""
    return f"{name} serves {count(serves)} requests/s as configured: {phrase} is reached first{then}."


def described(limit: Limit, load: Load) -> str:
    """Return a limit with its value, for a sentence."""
    value = count(limit.value(load)) if limit.value else ""
    phrase = limit.phrase or f"the limit of {limit.name} ({{value}} {limit.unit})"
    return phrase.replace("{value}", value)


def far_limits(rows: Sequence[Row]) -> str:
    """Return the names of the limits that are not reached below `FAR`, empty without one."""
    names = "; ".join(row.limit.name for row in rows if row.reached_at is None or row.reached_at >= FAR)
    return f"Not reached below {FAR:,.0f} requests/s: {names}." if names else ""


def headroom(analysis: ScalingAnalysis) -> Iterator[str]:
    """Yield how much more the tasks could take, and what a new account lets run."""
    service, fleet = analysis.service, analysis.fleet
    maximum = analysis.service.scaling.maximum
    full = service.scaling.requests_at_maximum(analysis.measured.requests_per_vcpu)
    of_task = full / maximum
    yield (
        f"At {count(full)} requests/s {count(maximum)} tasks get {count(of_task)} each, and the CPU of a task serves "
        f"{fleet.cpu_capacity / of_task:.1f} times as many: raise `REQUESTS_PER_TARGET` of infra/autoscaling.py before "
        "`maximum`."
    )
    [vcpu] = [each for each in analysis.limits if each.key == "fargate-vcpu"]
    load = analysis.load_at(full)
    yield (
        f"The account runs {count(vcpu.value(load) if vcpu.value else 0)} vCPU on demand unless it asked for more. A "
        f"rolling deployment runs {service.maximum_percent:g} % of the tasks, which then take {count(vcpu.use(load))}: "
        "request the quota before you raise `maximum`."
    )


def recommendations(comparisons: Sequence[Comparison]) -> Sequence[str]:
    """Return which setting does better for each load, in one sentence where none is needed."""
    if any(round(each.runs[CURRENT].delayed) for each in comparisons):
        return list(map(_recommendation, comparisons))
    return ["Keep the current settings: they serve every request of these loads at once."]


def _recommendation(comparison: Comparison) -> str:
    """Return which setting does better for one load."""
    runs, name = comparison.runs, comparison.shape.name
    now = runs[CURRENT].delayed
    if not round(now):
        return f"{name}: the current settings serve every request at once. Keep them."
    if comparison.best == CURRENT:
        return f"{name}: no other setting queues or rejects fewer than the {count(now)} requests of the current ones."
    best, cheap = comparison.best, comparison.best_for_the_price
    fewest = f"{name}: {best} queues or rejects {count(runs[best].delayed)} requests instead of {count(now)}"
    if cheap in (best, CURRENT):
        return f"{fewest}."
    return f"{fewest}. At the same task-hours: {cheap}, {count(runs[cheap].delayed)}."


def of_the_sample(analysis: ScalingAnalysis) -> str:
    """Return whose requests the figures are of, and how one's own are measured."""
    return (
        f"The figures take {count(analysis.measured.requests_per_vcpu)} requests/s a vCPU and {analysis.latency:g} s a "
        "request, the sample application's unless given. Measure yours in CloudWatch and give it as REQUESTS_PER_VCPU: "
        "requests/s ÷ vCPU in use, which is CPUUtilization (ECS) ÷ 100 of the vCPU of all tasks."
    )


def assumptions(analysis: ScalingAnalysis) -> Sequence[str]:
    """Return sentences: each value that neither the template nor a quota states, and where it comes from."""
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
        "Load is spread evenly over tasks and processes, and no other service of the account uses the quotas.",
    )


def share(used: float) -> str:
    """Return a share in per cent, from ten times the limit on as `33x`."""
    if used >= _WHOLE:
        return f"{used:,.0f}x"
    if used < _TINY:
        return "0 %" if used == 0 else "<0.1 %"
    return f"{100 * used:,.0f} %" if 100 * used >= _WHOLE else f"{100 * used:.1f} %"


def count(value: float) -> str:
    """Return a number with thousands separated, to three digits below ten."""
    return f"{value:,.0f}" if abs(value) >= _WHOLE or value == int(value) else f"{value:.3g}"


def reached_at(row: Row) -> str:
    """Return the load at which the limit of `row` is reached."""
    return "—" if row.reached_at is None else count(row.reached_at)
