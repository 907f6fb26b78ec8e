"""Price the tasks of an ECS service on Fargate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from operations.cost import routes
from operations.cost.context import Context
from operations.cost.intrinsics import is_open
from operations.cost.line_items import LineItem
from operations.cost.money import counted
from operations.cost.scaling import Scaling, task_definition
from operations.cost.templates import NoPriceError, Resource

_SPOT: Final = "FARGATE_SPOT"
_STORAGE_GB: Final = 20.0
"""Of ephemeral storage that each task has without charge ("AWS Fargate Pricing")."""


def service(context: Context, resource: Resource) -> Iterator[LineItem]:
    """Yield vCPU, memory, storage and addresses of the tasks of a service.

    All are billed by the second, from the pull of the image on, storage over 20 GB ("AWS Fargate Pricing").
    """
    definition = task_definition(context.reader, resource)
    if not _is_on_fargate(context, resource, definition):
        raise NoPriceError(resource, ", which runs on EC2 or on Windows")
    yield from _capacity(context, context.scaling(resource), definition)
    if definition is not None:
        yield from _storage(context, resource, definition)
    if routes.has_address(resource):
        tasks = context.tasks(resource)
        yield context.item(
            resource,
            "Public IPv4 addresses",
            "public-ipv4-hour",
            tasks * context.hours,
            f"{counted(tasks, 'task')} x {context.hours:g} h",
            by_traffic=True,
        )


def _is_on_fargate(context: Context, service: Resource, definition: Resource | None) -> bool:
    """Return whether a service runs on Linux on Fargate; without launch type and strategy ECS takes EC2."""
    system = str(definition.get("RuntimePlatform", "OperatingSystemFamily")) if definition else ""
    providers = {str(each.get("CapacityProvider")) for each in _strategy(context, service)}
    is_fargate = providers <= {"FARGATE", _SPOT} if providers else service.get("LaunchType") == "FARGATE"
    return is_fargate and not system.startswith("WINDOWS")


def _strategy(context: Context, service: Resource) -> list[Mapping[str, Any]]:
    """Return a service's strategy, that of its cluster where it has neither one nor a launch type."""
    own = service.records("CapacityProviderStrategy")
    if own or service.get("LaunchType"):
        return own
    cluster = context.templates.referred(service.get("Cluster"))
    associations = context.templates.of_type("AWS::ECS::ClusterCapacityProviderAssociations")
    of_cluster = [each for each in associations if context.templates.referred(each.get("Cluster")) is cluster]
    declared = [*of_cluster, cluster] if cluster else of_cluster
    strategies = [each.records("DefaultCapacityProviderStrategy") for each in declared]
    return next((each for each in strategies if each), [])


def _storage(context: Context, resource: Resource, definition: Resource) -> Iterator[LineItem]:
    size = context.reader.number(definition, "EphemeralStorage", "SizeInGiB", default=_STORAGE_GB)
    tasks, more = context.tasks(resource), size - _STORAGE_GB
    if more > 0:
        yield context.item(
            resource,
            "Fargate storage",
            "fargate-storage-gb-hour",
            tasks * more * context.hours,
            f"{counted(tasks, 'task')} x {more:g} GB over {_STORAGE_GB:g} x {context.hours:g} h",
            by_traffic=True,
        )


def _capacity(context: Context, scaling: Scaling, definition: Resource | None) -> Iterator[LineItem]:
    architecture = definition.get("RuntimePlatform", "CpuArchitecture") if definition else None
    is_arm = architecture == "ARM64"
    if is_open(architecture):
        context.notes.assume("The tasks run on X86_64: their architecture is known at the deployment only.")
    on_demand, spot = _tasks_by_kind(context, scaling.service)
    for tasks, name, infix in ((on_demand, "Fargate", ""), (spot, "Fargate Spot", "-spot")):
        for amount, unit in ((scaling.vcpu, "vCPU"), (scaling.memory, "GB")) if tasks else ():
            yield context.item(
                scaling.service,
                f"{name} {unit}",
                f"fargate{infix}-{unit.lower()}-hour-{'arm' if is_arm else 'x86'}",
                tasks * amount * context.hours,
                f"{counted(tasks, 'task')} x {amount:g} {unit} x {context.hours:g} h",
                by_traffic=True,
            )


def _tasks_by_kind(context: Context, resource: Resource) -> tuple[float, float]:
    """Return the tasks on demand and those on Spot.

    The base of a strategy is filled first, the rest is shared by the weights ("Amazon ECS capacity providers", Amazon
    ECS Developer Guide). Spot capacity is taken to be there always.
    """
    tasks = context.tasks(resource)
    amount = context.reader.amount
    strategy = [
        (
            each.get("CapacityProvider") == _SPOT,
            amount(resource, "CapacityProviderStrategy.Base", each.get("Base"), 0),
            amount(resource, "CapacityProviderStrategy.Weight", each.get("Weight"), 0),
        )
        for each in _strategy(context, resource)
    ]
    base = sum(base for _, base, _ in strategy)
    spot_base = sum(base for is_spot, base, _ in strategy if is_spot)
    weights = sum(weight for _, _, weight in strategy)
    spot_weight = sum(weight for is_spot, _, weight in strategy if is_spot)
    if tasks <= base:
        spot = tasks * spot_base / base if base else 0.0
    else:
        spot = spot_base + ((tasks - base) * spot_weight / weights if weights else 0.0)
    if spot:
        context.notes.assume("There is always Spot capacity, at the price of the file: AWS changes it.")
    return tasks - spot, spot
