"""How many tasks a service runs at a traffic, by its templates' scaling policies."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from operations.cost.reading import Notes, Reader
from operations.cost.templates import Resource, Templates

UNITS: Final = 1024.0
"""CPU units of a vCPU, and MiB of a GB ("Task size", Amazon ECS task definition parameters)."""
_SMALLEST: Final = {"Cpu": 256.0, "Memory": 512.0}
"""The smallest task on Fargate, and what a task definition without sizes is taken for."""
_WITH_UNIT: Final = re.compile(r"\s*([0-9]*\.?[0-9]+)\s*(?:vCPU|GB)\s*", re.IGNORECASE)
_ROUNDING: Final = 1e-9
"""Of a task: 6 full ones are no 7."""
_REQUESTS: Final = "ALBRequestCountPerTarget"
_CPU: Final = "ECSServiceAverageCPUUtilization"
_METRICS: Final = (_REQUESTS, _CPU)
_TARGET: Final = "TargetTrackingScalingPolicyConfiguration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """What the templates say of one service's tasks."""

    service: Resource
    minimum: float
    maximum: float
    vcpu: float
    """Of one task."""
    serving_vcpu: float
    """Of its container that the load balancer forwards to, which shares the task with its sidecars."""
    memory: float
    """GB of one task."""
    requests_per_minute: float | None
    """Of one task, the target of the policy on `ALBRequestCountPerTarget`, None without one."""
    cpu_percent: float | None
    """The target of the policy on `ECSServiceAverageCPUUtilization`, None without one."""
    takes_requests: bool
    """Whether a load balancer forwards requests to it."""

    def requests_per_task(self, requests_per_vcpu: float) -> float:
        """Return the requests a second at which the policies ask for one more task, infinite without a policy."""
        by_requests = math.inf if self.requests_per_minute is None else self.requests_per_minute / 60
        by_cpu = (
            math.inf if self.cpu_percent is None else requests_per_vcpu * self.serving_vcpu * self.cpu_percent / 100
        )
        return min(by_requests, by_cpu)

    def tasks(self, requests: float, requests_per_vcpu: float, *, without_maximum: bool = False) -> float:
        """Return how many tasks run at `requests` a second; `without_maximum` leaves the maximum out.

        Both policies apply, and the one that asks for more tasks counts ("Target tracking scaling policies",
        Application Auto Scaling User Guide). Without a policy it is the minimum.
        """
        if not self.takes_requests:
            return self.minimum
        wanted = math.ceil(requests / self.requests_per_task(requests_per_vcpu) - _ROUNDING)
        return max(self.minimum, wanted if without_maximum else min(wanted, self.maximum))

    def requests_at_maximum(self, requests_per_vcpu: float) -> float:
        """Return the requests a second that the maximum of tasks serves, by the policies and by their CPU."""
        if not self.takes_requests:
            return math.inf
        return self.maximum * min(self.requests_per_task(requests_per_vcpu), self.serving_vcpu * requests_per_vcpu)


def scalings_of(templates: Templates) -> list[Scaling]:
    """Return the scaling of each ECS service. Raises `OperatorError` for a number that is none."""
    return list(scalings(Reader(templates, Notes())))


def scalings(reader: Reader) -> Iterator[Scaling]:
    """Yield the scaling of each ECS service, and note what only the deployment knows."""
    for service in reader.templates.of_type("AWS::ECS::Service"):
        yield _scaling(reader, service)


def task_definition(reader: Reader, service: Resource) -> Resource | None:
    """Return the task definition of a service, None where it is in no stack here."""
    return reader.templates.referred(service.get("TaskDefinition"))


def _scaling(reader: Reader, service: Resource) -> Scaling:
    desired = reader.whole(service, "DesiredCount", default=1)
    target = _scalable_target(reader, service)
    minimum = desired if target is None else reader.whole(target, "MinCapacity", default=desired)
    maximum = minimum if target is None else reader.whole(target, "MaxCapacity", default=minimum)
    if target is not None:
        if minimum > maximum:
            raise target.error("MinCapacity", f"{minimum:g}", f"at most its MaxCapacity of {maximum:g}")
        _note_other_scaling(reader, target)
    definition = task_definition(reader, service)
    if definition is None:
        reader.notes.assume(f"The task definition of {service} is in no stack here: the smallest task is taken.")
    vcpu, memory = (
        (size if definition is None else _size(reader, definition, name, size)) / UNITS
        for name, size in _SMALLEST.items()
    )
    return Scaling(
        service=service,
        minimum=minimum,
        maximum=maximum,
        vcpu=vcpu,
        serving_vcpu=_serving_vcpu(reader, service, definition) or vcpu,
        memory=memory,
        requests_per_minute=_policy(reader, target, _REQUESTS),
        cpu_percent=_policy(reader, target, _CPU),
        takes_requests=bool(service.records("LoadBalancers")),
    )


def _size(reader: Reader, definition: Resource, name: str, default: float) -> float:
    """Return the CPU units or MiB of a task, which may be given as `1 vCPU` and `2 GB`."""
    match = _WITH_UNIT.fullmatch(str(definition.get(name)))
    return float(match[1]) * UNITS if match else reader.positive(definition, name, default=default)


def _serving_vcpu(reader: Reader, service: Resource, definition: Resource | None) -> float:
    """Return the vCPU of the container that takes the requests, 0 where it has no CPU units of its own."""
    names = {str(each.get("ContainerName")) for each in service.records("LoadBalancers")}
    if definition is None:
        return 0.0
    for container in definition.records("ContainerDefinitions"):
        if str(container.get("Name")) in names:
            return reader.amount(definition, "ContainerDefinitions.Cpu", container.get("Cpu"), 0) / UNITS
    return 0.0


def _scalable_target(reader: Reader, service: Resource) -> Resource | None:
    """Return the scalable target whose resource id, as `service/cluster/name`, names the service."""
    names = [f"${{{service.stack}|{service.logical_id}{attribute}}}" for attribute in ("", ".Name")]
    for target in reader.templates.of_type("AWS::ApplicationAutoScaling::ScalableTarget"):
        last = str(target.get("ResourceId")).rpartition("/")[2]
        if last in names or last == service.get("ServiceName"):
            return target
    return None


def _note_other_scaling(reader: Reader, target: Resource) -> None:
    """Note scaling that does not follow the requests: what it adds is not known."""
    if target.records("ScheduledActions"):
        reader.notes.leave_out(f"Tasks of the scheduled actions of {target.logical_id}.")
    for policy in reader.templates.of_type("AWS::ApplicationAutoScaling::ScalingPolicy"):
        metric = policy.get(_TARGET, "PredefinedMetricSpecification", "PredefinedMetricType")
        if reader.templates.referred(policy.get("ScalingTargetId")) is target and metric not in _METRICS:
            reader.notes.leave_out(f"Tasks that the scaling policy {policy.logical_id} starts, by another metric.")


def _policy(reader: Reader, target: Resource | None, metric: str) -> float | None:
    """Return the lowest target value of the policies on a metric, None without one."""
    values = [
        reader.positive(policy, _TARGET, "TargetValue", default=math.inf)
        for policy in reader.templates.of_type("AWS::ApplicationAutoScaling::ScalingPolicy")
        if target is not None
        and reader.templates.referred(policy.get("ScalingTargetId")) is target
        and policy.get(_TARGET, "PredefinedMetricSpecification", "PredefinedMetricType") == metric
    ]
    return min(values, default=None)
