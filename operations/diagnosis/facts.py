"""The facts that causes are found in, as plain values: what verify saw, and what AWS and the vendors say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from operations.traces.document import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that verify sent, and its response. `trace_id` is the response's, or what the request asked for.

    `error` says why there is no response, and `status` is None then. Times are in seconds since the epoch.
    """

    kind: str
    method: str = "GET"
    path: str
    expected_status: int
    status: int | None = None
    error: str = ""
    trace_id: str = ""
    sent_id: str = ""
    """The trace id that the request's `traceparent` had; empty where it had none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Of the response, with names in lower case."""
    body: str = ""
    """The beginning of the response's body."""
    sent_at: float = 0.0
    received_at: float = 0.0

    @property
    def is_expected(self) -> bool:
        """Whether it was answered with the status that it has to be."""
        return self.status == self.expected_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A request that a place has not got."""

    kind: str
    trace_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What verify saw from outside. `health` is the runtime's health check, None where the response was none.

    `sampled` has the decision for each trace id whose log line tells it.
    """

    url: str
    exchanges: Sequence[Exchange] = ()
    missing: Mapping[Place, Sequence[Missing]] = field(default_factory=dict)
    arrived: Mapping[Place, Sequence[Any]] = field(default_factory=dict)
    """What each place has, as `PlaceContent` describes it."""
    sampled: Mapping[str, bool] = field(default_factory=dict)
    health: Mapping[str, Any] | None = None
    expected_version: str | None = None
    expected_environment: str | None = None

    def sink(self, name: str) -> Mapping[str, Any]:
        """Return a sink's status in the health check, an empty one where it has none."""
        sinks = (self.health or {}).get("sinks")
        status = sinks.get(name) if isinstance(sinks, Mapping) else None
        return status if isinstance(status, Mapping) else {}

    def of_place(self, place: Place) -> Mapping[str, Any]:
        """Return the status of a place's sink."""
        return self.sink(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerDefinition:
    """A container of a task definition: its plain variables, and where each secret's value comes from."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    log_group: str = ""
    log_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDefinition:
    """A revision of the task definition."""

    arn: str
    containers: Mapping[str, ContainerDefinition]
    task_role: str = ""

    @property
    def name(self) -> str:
        """Return `<family>:<revision>`."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container of a task, as DescribeTasks has it."""

    name: str
    status: str
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task of the service. `started` is in seconds since the epoch, None before it runs."""

    id: str
    definition: str
    status: str
    started: float | None = None
    containers: Sequence[Container] = ()

    def container(self, name: str) -> Container | None:
        """Return the container of that name."""
        return next((each for each in self.containers if each.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The service, as DescribeServices has it; `rollout` is the state of its primary deployment."""

    definition: str
    desired: int
    running: int
    rollout: str = ""
    newest_event: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target of the load balancer, as DescribeTargetHealth has it."""

    id: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of X-Ray, and whether it shows the newest trace of the service, None where that is not known."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Seconds by which a clock is ahead of AWS's; None where it is not known."""

    machine: float | None = None
    task: float | None = None
