"""Emulate X-Ray groups. Sources: X-Ray API reference, CreateGroup and the like; CloudFormation's AWS::XRay::Group."""

from __future__ import annotations

from typing import Any, Final

from local.emulator.json_api import Json, ServiceError
from local.emulator.registry import ResourceType, arn, new_id, new_store
from local.emulator.xray.filter_expressions import compile_filter

_groups: Final[Any] = new_store()

INSIGHTS_OFF: Final = {"InsightsEnabled": False, "NotificationsEnabled": False}


def filters() -> dict[str, str | None]:
    """Return the filter expression of each group, by name."""
    return {name: group.get("FilterExpression") for name, group in _groups.items()}


def create_group(request: Json) -> Json:
    """Create a group; its name must be new."""
    name = request.get("GroupName")
    if not isinstance(name, str) or not name:
        raise ServiceError("InvalidRequestException", "GroupName is missing")
    if name in _groups:
        raise ServiceError("InvalidRequestException", f"the group {name} exists already")
    definition = _definition(request)
    _groups[name] = {"GroupName": name, "GroupARN": arn("xray", f"group/{name}/{new_id('', 26).upper()}"), **definition}
    return {"Group": _groups[name]}


def _definition(request: Json) -> Json:
    expression = request.get("FilterExpression")
    if expression:
        compile_filter(expression, {})
    insights = {
        name: str(value).lower() == "true" for name, value in (request.get("InsightsConfiguration") or {}).items()
    }
    return {
        **({"FilterExpression": expression} if expression else {}),
        "InsightsConfiguration": {**INSIGHTS_OFF, **insights},
    }


def _find(request: Json) -> Json:
    name, group_arn = request.get("GroupName"), request.get("GroupARN")
    for group in _groups.values():
        if group["GroupName"] == name or group["GroupARN"] == group_arn:
            match: Json = group
            return match
    raise ServiceError("InvalidRequestException", f"the group {name or group_arn} does not exist")


def get_group(request: Json) -> Json:
    """Return a group by its name or ARN."""
    return {"Group": _find(request)}


def get_groups(_request: Json) -> Json:
    """Return all groups."""
    return {"Groups": list(_groups.values())}


def update_group(request: Json) -> Json:
    """Replace the filter or the insights configuration of a group; fields absent from the request stay."""
    group = _find(request)
    _groups[group["GroupName"]] = group | _definition({**group, **request})
    return {"Group": _groups[group["GroupName"]]}


def delete_group(request: Json) -> Json:
    """Remove a group."""
    _groups.pop(_find(request)["GroupName"])
    return {}


def _create(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    group = create_group(properties)["Group"]["GroupARN"]
    return group, {"GroupARN": group}


def _update(group: str, properties: Json) -> Json:
    stored = _find({"GroupARN": group})
    identity = {name: stored[name] for name in ("GroupName", "GroupARN")}
    _groups[stored["GroupName"]] = identity | _definition(properties)
    return {"GroupARN": group}


def _delete(group: str, _properties: Json) -> None:
    for name in [name for name, stored in _groups.items() if stored["GroupARN"] == group]:
        _groups.pop(name)


GROUP: Final = ResourceType(
    name="AWS::XRay::Group", create=_create, update=_update, delete=_delete, create_only=("GroupName",)
)
