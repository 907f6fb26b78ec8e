"""The simulation reacts as target tracking is documented, and loses no request."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from operations.scale.headroom import reached_at
from operations.scale.limits import limits_of
from operations.scale.load import Load
from operations.scale.shapes import Shape
from operations.scale.simulation import Fleet, Run, Simulation, simulate
from operations.scale.target_tracking import Policy
from operations.scale.variants import CURRENT, HIGH_RESOLUTION, compare, target_load, variants
from tests.operations.scale import samples

REQUESTS = Policy(metric="requests", target=3000, period=60, delay=60)
CPU = Policy(metric="cpu", target=60, period=60, delay=60)
FLEET = Fleet(
    minimum=2,
    maximum=10,
    cpu_capacity=100,
    workers=1,
    threads=100,
    latency=0.01,
    connections=50,
    start_seconds=30,
    launches_per_second=10,
    policies=(REQUESTS,),
)


def _steps(*steps: tuple[int, float]) -> Shape:
    """Return a shape that has each load for as many minutes."""
    points, second = [], 0
    for minutes, requests in steps:
        points += [(second, requests), (second + 60 * minutes - 1, requests)]
        second += 60 * minutes
    points.append((second, steps[-1][1]))
    return Shape("steps", points)


def test_a_step_is_followed_minute_by_minute_as_computed_by_hand() -> None:
    """From 100 to 200 requests a second after ten minutes, and to 50 after thirty.

    A task's target is 50 a second. The data points of the minutes 10, 11 and 12 are 6,000 a minute and task; the last
    is published at 13 + 1 minutes: 2 x 6,000 / 3,000 = 4 tasks, which serve 30 s later. Those of the minutes 30 to 44
    are 50 x 60 / 4 = 750, under 2,700; the last is published at 45 + 1: 4 x 750 / 3,000 = 1, at least 2.
    """
    run = simulate(FLEET, _steps((10, 100), (20, 200), (20, 50)))
    desired = [2] * 14 + [4] * 32 + [2] * 4
    assert run.desired == desired
    assert run.tasks == [2] * 14 + [4] * 32 + [2] * 4
    assert run.reaction == pytest.approx(4 * 60 + 30, abs=2)
    assert (run.overloaded_seconds, run.delayed_requests, run.rejections) == (0, 0, 0)


def test_cpu_says_at_most_100_percent_so_that_a_great_step_takes_several_activities() -> None:
    """Ten times the load on 2 tasks: CPU asks for 2 x 100 / 60 = 4, after the cooldown for 7, then for the maximum."""
    run = simulate(replace(FLEET, policies=(CPU,)), _steps((10, 100), (30, 1000)))
    assert sorted(set(run.desired)) == [2, 4, 7, 10]
    minutes = [run.desired.index(tasks) for tasks in (4, 7, 10)]
    assert minutes == [14, 19, 24]


def test_during_a_cooldown_only_a_larger_activity_starts() -> None:
    """Twice, then three times the load: the second asks for 6 of the 2 tasks before, not of the 4 that are starting."""
    run = simulate(FLEET, _steps((10, 100), (4, 200), (26, 300)))
    assert sorted(set(run.desired)) == [2, 4, 6]


def test_requests_beyond_the_capacity_wait_and_those_beyond_the_queues_are_rejected() -> None:
    """On two tasks of 100 a second come 350: 150 a second too many, of which 100 wait."""
    simulation = Simulation(FLEET, 100)
    for second in range(3):
        simulation.step(second, 350)
    run = simulation.run
    assert (run.completions, run.backlog, run.rejections, run.overloaded_seconds) == (600, 100, 350, 3)
    assert run.longest_wait == 0.5


def test_a_load_of_a_second_is_one_of_a_part_of_a_minute() -> None:
    run = simulate(FLEET, Shape("blink", [(0, 100), (1, 100)]))
    assert (run.arrivals, run.completions, run.tasks, run.reaction) == (100, 100, [2], None)


@pytest.mark.parametrize("seed", range(12))
def test_no_request_is_lost_and_the_tasks_stay_in_their_bounds(seed: int) -> None:
    draw = random.Random(seed)
    minimum = draw.randint(1, 5)
    fleet = Fleet(
        minimum=minimum,
        maximum=minimum + draw.randint(0, 20),
        cpu_capacity=draw.uniform(5, 200),
        workers=draw.randint(1, 4),
        threads=draw.randint(1, 8),
        latency=10 ** draw.uniform(-3, 1),
        connections=draw.randint(0, 500),
        start_seconds=draw.randint(0, 200),
        launches_per_second=draw.uniform(0.1, 10),
        policies=(
            replace(REQUESTS, target=draw.uniform(60, 6000), delay=draw.randint(0, 200)),
            replace(CPU, period=draw.choice((20, 60)), delay=draw.randint(0, 200)),
        ),
    )
    shape = _steps(*((draw.randint(1, 60), draw.choice((0.0, draw.uniform(0, 2000)))) for _ in range(8)))
    run = simulate(fleet, shape)
    assert run.arrivals == pytest.approx(sum(shape.loads()))
    assert run.arrivals == pytest.approx(run.completions + run.rejections + run.backlog)
    assert all(fleet.minimum <= tasks <= fleet.maximum for tasks in (*run.tasks, *run.desired))
    assert run.delayed_requests <= run.arrivals + 1e-6
    assert run == simulate(fleet, shape)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_scales_in_within_fifteen_minutes_of_a_load_above_nine_tenths_of_the_target(seed: int) -> None:
    draw = random.Random(seed)
    shape = _steps(*((draw.randint(1, 20), draw.uniform(20, 900)) for _ in range(30)))
    run = simulate(FLEET, shape)
    for minute, (before, after) in enumerate(zip(run.desired, run.desired[1:], strict=False)):
        if after < before:
            assert all(_value(run, each) < 0.9 * REQUESTS.target for each in range(minute - 13, minute))


def _value(run: Run, minute: int) -> float:
    return run.loads[minute] * 60 / run.tasks[minute]


@pytest.mark.parametrize("peak", [120, 240, 480, 5000])
def test_a_step_is_answered_within_the_time_that_aws_measured(peak: float) -> None:
    """In 363 s to the decision, and the rest of the minute in which the load comes, and the task's start."""
    fleet = samples.fleet(1000, 0.01)
    run = simulate(replace(fleet, maximum=200), _steps((10, 80), (30, peak)))
    assert run.reaction is not None
    assert 363 <= run.reaction - fleet.start_seconds <= 363 + 60


def test_high_resolution_metrics_answer_in_the_time_that_aws_measured() -> None:
    fleet = variants(samples.fleet(100, 0.01))[HIGH_RESOLUTION]
    run = simulate(fleet, _steps((10, 30), (30, 90)))
    assert run.reaction is not None
    assert 86 <= run.reaction - fleet.start_seconds <= 86 + 20


def test_slow_requests_queue_where_the_threads_serve_fewer_than_the_cpu() -> None:
    # A task has 16 threads, so 32 requests/s of half a second; its CPU would serve hundreds, so that no policy reacts.
    fleet = samples.fleet(1000, 0.5)
    assert fleet.capacity == 32
    run = simulate(fleet, _steps((10, 60), (10, 90)))
    assert set(run.tasks) == {2}
    assert run.completions == 600 * 60 + 600 * 64
    assert run.backlog + run.rejections == 600 * (90 - 64)


def test_the_loads_peak_at_what_the_threads_serve() -> None:
    assert target_load(samples.fleet(1000, 0.5)) == 6 * 32
    assert target_load(samples.fleet(1000, 0.05)) == 6 * 50


def test_a_cpu_target_that_the_threads_keep_a_task_below_adds_no_task() -> None:
    """Threads serve 20 requests a second of a task, which take 40 % of its CPU: the target is 60 %."""
    fleet = samples.fleet(100, 0.8)
    run = simulate(fleet, _steps((40, 90)))
    assert {*run.tasks, *run.desired} == {fleet.steady_tasks(90)} == {2}


def test_more_threads_are_compared_where_they_bind_before_the_cpu() -> None:
    """16 threads serve 32 requests of half a second, twice as many 64: no other setting helps a load that stays."""
    slow = samples.fleet(1000, 0.5)
    [comparison] = compare(slow, [_steps((10, 60), (20, 90))])
    assert comparison.runs[CURRENT].delayed_requests == pytest.approx(20 * 60 * 90)
    assert comparison.runs["threads=16"].delayed_requests == 0
    assert not [name for name in variants(samples.fleet(100, 0.05)) if name.startswith("threads")]


SIMULATED = ("autoscaling-maximum", "task-cpu", "threads")


@pytest.mark.parametrize("seed", range(60))
def test_limits_and_simulation_agree_on_tasks_and_capacity(seed: int) -> None:
    """Up to the first of these limits the simulation runs the same tasks and serves at once; beyond it, it does not."""
    draw = random.Random(seed)
    latency, requests_per_vcpu, failed_share = 10 ** draw.uniform(-3, 1), 10 ** draw.uniform(0.5, 4), draw.random()
    measured = replace(samples.MEASURED, requests_per_vcpu=requests_per_vcpu)

    def load_at(requests: float) -> Load:
        return Load(requests, samples.SERVICE, measured, failed_share, latency)

    points = {each: reached_at(each, load_at) for each in limits_of(samples.SERVICE) if each.key in SIMULATED}
    capacity, limit = min(((point, each) for each, point in points.items() if point), key=lambda each: each[0])
    fleet = samples.fleet(requests_per_vcpu, latency)
    for share in (draw.uniform(0.01, 0.99), 0.99):
        run = simulate(fleet, _steps((40, capacity * share)))
        assert {*run.tasks, *run.desired} == {load_at(capacity * share).tasks}
        assert run.overloaded_seconds == 0
    run = simulate(fleet, _steps((40, capacity * 1.01)))
    if limit.key == "autoscaling-maximum":
        assert set(run.desired) == {fleet.maximum} != {load_at(capacity * 1.01).tasks}
    else:
        assert run.overloaded_seconds == 40 * 60
