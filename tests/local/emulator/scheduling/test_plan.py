"""The plan of a service's tasks, run to its end against a model of tasks that start, get healthy and fail."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Final

import pytest

from local.emulator.scheduling.plan import ServiceState, TaskState, plan

OLD: Final = "old"
NEW: Final = "new"
UNHEALTHY: Final = "Task failed container health checks"
STEPS: Final = 200


@dataclass
class Model:
    """A service: `gets_healthy` and `breaks` are the probabilities of a starting and of a healthy task."""

    rng: random.Random
    desired: int
    minimum_percent: int
    maximum_percent: int
    gets_healthy: float = 0.5
    breaks: float = 0.0
    primary: str = OLD
    primary_has_failed: bool = False
    tasks: dict[str, TaskState] = field(default_factory=dict)
    started: int = 0

    def step(self) -> None:
        steps = plan(self.state())
        assert steps.stop.keys() <= self.tasks.keys()
        for arn in steps.stop:
            del self.tasks[arn]
        for _ in range(steps.start):
            self.start(self.primary)
        for arn, task in list(self.tasks.items()):
            if task.healthy and self.rng.random() < self.breaks:
                self.tasks[arn] = replace(task, healthy=False, unhealthy=UNHEALTHY)
            elif not task.healthy and not task.unhealthy and self.rng.random() < 0.5:
                fit = self.rng.random() < self.gets_healthy or task.deployment == OLD
                self.tasks[arn] = replace(task, healthy=fit, unhealthy="" if fit else UNHEALTHY)

    def start(self, deployment: str, *, healthy: bool = False) -> None:
        self.started += 1
        arn = f"task-{self.started:05}"
        self.tasks[arn] = TaskState(arn=arn, deployment=deployment, created=arn, healthy=healthy, unhealthy="")

    def state(self) -> ServiceState:
        return ServiceState(
            desired=self.desired,
            primary=self.primary,
            primary_has_failed=self.primary_has_failed,
            minimum_percent=self.minimum_percent,
            maximum_percent=self.maximum_percent,
            tasks=[self.tasks[arn] for arn in self.rng.sample(sorted(self.tasks), len(self.tasks))],
        )

    @property
    def healthy(self) -> int:
        return sum(each.healthy for each in self.tasks.values())

    @property
    def is_settled(self) -> bool:
        return self.healthy == self.desired and {each.deployment for each in self.tasks.values()} <= {self.primary}


@pytest.fixture
def model(request: pytest.FixtureRequest) -> Model:
    rng = random.Random(request.node.name)
    minimum, maximum = rng.choice([(100, 200), (50, 100), (50, 200), (100, 150), (0, 100), (75, 125)])
    desired = rng.randrange(1, 9)
    # ECS refuses a configuration that allows no step at all: here at least one task more, or one less.
    while desired * maximum // 100 == desired == -(-desired * minimum // 100):
        desired = rng.randrange(1, 9)
    model = Model(rng, desired, minimum, maximum)
    for _ in range(desired):
        model.start(OLD, healthy=True)
    return model


@pytest.mark.parametrize("seed", range(60))
def test_a_rolling_update_keeps_the_minimum_and_the_maximum_and_ends(model: Model, seed: int) -> None:  # noqa: ARG001 - names the case
    model.primary, model.gets_healthy = NEW, 1.0
    minimum = -(-model.desired * model.minimum_percent // 100)
    for _ in range(STEPS):
        model.step()
        assert model.healthy >= minimum
        assert len(model.tasks) <= max(model.desired, model.desired * model.maximum_percent // 100)
    assert model.is_settled


@pytest.mark.parametrize("seed", range(60))
def test_a_version_that_never_gets_healthy_takes_no_healthy_task_away(model: Model, seed: int) -> None:  # noqa: ARG001
    model.primary, model.gets_healthy = NEW, 0.0
    minimum = -(-model.desired * model.minimum_percent // 100)
    for _ in range(STEPS):
        model.step()
        assert model.healthy >= minimum
    assert model.started > model.desired, "no further attempt was made, so that no circuit breaker could count it"
    model.primary = OLD
    for _ in range(STEPS):
        model.step()
    assert model.is_settled


@pytest.mark.parametrize("seed", range(60))
def test_unhealthy_tasks_are_replaced_and_the_count_is_reached_again(model: Model, seed: int) -> None:  # noqa: ARG001
    model.breaks = 0.2
    for _ in range(STEPS):
        model.step()
        assert len(model.tasks) <= max(model.desired, model.desired * model.maximum_percent // 100)
    model.breaks = 0.0
    for _ in range(STEPS):
        model.step()
    assert model.is_settled
    assert len(model.tasks) == model.desired


@pytest.mark.parametrize("seed", range(60))
def test_scaling_reaches_each_count_also_during_an_update(model: Model, seed: int) -> None:  # noqa: ARG001
    model.gets_healthy, model.maximum_percent, model.minimum_percent = 1.0, 200, 100
    for _ in range(STEPS):
        if model.rng.random() < 0.1:
            model.desired = model.rng.randrange(9)
        if model.rng.random() < 0.1:
            model.primary = model.rng.choice([OLD, NEW, "newer"])
        model.step()
    for _ in range(STEPS):
        model.step()
    assert model.is_settled


def test_an_unhealthy_task_serves_until_its_replacement_is_healthy() -> None:
    model = Model(random.Random(1), desired=1, minimum_percent=100, maximum_percent=200)
    model.start(OLD, healthy=True)
    model.tasks["task-00001"] = replace(model.tasks["task-00001"], healthy=False, unhealthy=UNHEALTHY)

    assert (plan(model.state()).start, plan(model.state()).stop) == (1, {})

    model.start(OLD)
    assert (plan(model.state()).start, plan(model.state()).stop) == (0, {})

    model.tasks["task-00002"] = replace(model.tasks["task-00002"], healthy=True)
    assert plan(model.state()).stop == {"task-00001": UNHEALTHY}


def test_updates_in_a_row_stop_what_is_starting_before_the_unhealthy_task_that_may_still_answer() -> None:
    model = Model(random.Random(1), desired=1, minimum_percent=100, maximum_percent=200, primary=NEW)
    model.start(OLD, healthy=True)
    model.tasks["task-00001"] = replace(model.tasks["task-00001"], healthy=False, unhealthy=UNHEALTHY)
    model.start("between")
    assert plan(model.state()).stop.keys() == {"task-00002"}

    del model.tasks["task-00002"]
    model.start(NEW)
    assert (plan(model.state()).start, plan(model.state()).stop) == (0, {})

    model.tasks["task-00003"] = replace(model.tasks["task-00003"], healthy=True)
    assert plan(model.state()).stop.keys() == {"task-00001"}


def test_scaling_in_stops_what_is_not_healthy_and_then_the_newest() -> None:
    model = Model(random.Random(1), desired=2, minimum_percent=100, maximum_percent=200)
    for healthy in (True, True, False, True):
        model.start(OLD, healthy=healthy)

    assert set(plan(model.state()).stop) == {"task-00003", "task-00004"}


def test_a_failed_deployment_without_a_predecessor_starts_nothing() -> None:
    model = Model(random.Random(1), desired=2, minimum_percent=100, maximum_percent=200, primary_has_failed=True)

    assert plan(model.state()).start == 0
