"""Store every property of task definitions and services, in the API's camelCase; ministack drops some.

Source: ECS API reference, RegisterTaskDefinition and CreateService. Without a Docker engine ministack marks
tasks RUNNING although nothing runs; that is left unchanged.
"""

from __future__ import annotations

from typing import Any, Final

from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from local.emulator.json_api import Json

TASK_DEFINITION: Final = "AWS::ECS::TaskDefinition"
SERVICE: Final = "AWS::ECS::Service"

TASK_PROPERTIES: Final = (
    "ContainerDefinitions",
    "EnableFaultInjection",
    "EphemeralStorage",
    "IpcMode",
    "PidMode",
    "PlacementConstraints",
    "ProxyConfiguration",
    "RuntimePlatform",
    "Volumes",
)
SERVICE_PROPERTIES: Final = (
    "EnableECSManagedTags",
    "EnableExecuteCommand",
    "HealthCheckGracePeriodSeconds",
    "PlatformVersion",
    "PropagateTags",
    "SchedulingStrategy",
    "ServiceRegistries",
)
FREE_FORM: Final = frozenset({"DockerLabels", "DriverOpts", "Labels", "Options"})
"""Maps whose keys are user data and keep their spelling."""
IRREGULAR: Final = {
    "EFSVolumeConfiguration": "efsVolumeConfiguration",
    "FilesystemId": "fileSystemId",
    "FSxWindowsFileServerVolumeConfiguration": "fsxWindowsFileServerVolumeConfiguration",
}


def install() -> None:
    """Patch how ministack creates task definitions and services."""
    _store_whole_task_definitions()
    _store_whole_services()


def _store_whole_task_definitions() -> None:
    original = provisioners._ecs_task_def_create

    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        revision, attributes = original(logical_id, properties, stack)
        ecs._task_defs[revision.rpartition("/")[2]].update(_api_properties(properties, TASK_PROPERTIES))
        return revision, attributes

    # ministack's update registers the next revision through this name.
    provisioners._ecs_task_def_create = create
    provisioners._RESOURCE_HANDLERS[TASK_DEFINITION]["create"] = create


def _store_whole_services() -> None:
    original = provisioners._RESOURCE_HANDLERS[SERVICE]["create"]

    def create(logical_id: str, properties: Json, stack: str) -> tuple[str, Json]:
        service, attributes = original(logical_id, properties, stack)
        ecs._services["/".join(service.split("/")[-2:])].update(_api_properties(properties, SERVICE_PROPERTIES))
        return service, attributes

    provisioners._RESOURCE_HANDLERS[SERVICE]["create"] = create


def _api_properties(properties: Json, names: tuple[str, ...]) -> Json:
    return {camel(name): api_shape(properties[name]) for name in names if name in properties}


def camel(name: str) -> str:
    """Return the API's spelling of a template property."""
    return IRREGULAR.get(name) or name[:1].lower() + name[1:]


def api_shape(value: Any) -> Any:  # noqa: ANN401 - a template value of any kind
    """Return `value` with the API's spelling of each key, except in free-form maps."""
    if isinstance(value, list):
        return [api_shape(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {camel(name): item if name in FREE_FORM else api_shape(item) for name, item in value.items()}
