"""Emulate Application Auto Scaling: targets and policies are stored and described; no alarm scales anything.

A service is brought between the minimum and the maximum of its target when these are set, and not when its desired
count is, as on AWS ("Amazon ECS service auto scaling", Developer Guide).

Sources: CloudFormation template reference, AWS::ApplicationAutoScaling::*; Application Auto Scaling API reference.
"""

from __future__ import annotations

import time
from typing import Any, Final
from uuid import uuid4

from ministack.services import ecs

from local.emulator.json_api import Json
from local.emulator.registry import ResourceType, add_resource_type, add_service, arn, json_service, new_id, new_store

SERVICE: Final = "application-autoscaling"
DESIRED_COUNT: Final = "ecs:service:DesiredCount"

_targets: Final[Any] = new_store()
_policies: Final[Any] = new_store()


def install() -> None:
    """Register both resource types, the two Describe calls and RegisterScalableTarget."""
    add_resource_type(SCALABLE_TARGET)
    add_resource_type(SCALING_POLICY)
    operations = {
        "DescribeScalableTargets": _describe_targets,
        "DescribeScalingPolicies": _describe_policies,
        "RegisterScalableTarget": _register_target,
    }
    add_service(SERVICE, json_service(operations), {"target_prefixes": ["AnyScaleFrontendService"]})


def _create_target(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    target = "|".join(properties[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
    _targets[target] = {
        "CreationTime": time.time(),
        "ScalableTargetARN": arn(SERVICE, f"scalable-target/{new_id('', 28)}"),
    }
    return target, _update_target(target, properties)


def _update_target(target: str, properties: Json) -> Json:
    stored = {key: value for key, value in properties.items() if key != "ScheduledActions"}
    capacities = {key: int(properties[key]) for key in ("MinCapacity", "MaxCapacity")}
    _targets[target] = {**_targets[target], **stored, **capacities}
    _scale(_targets[target])
    return {"Id": target}


def _register_target(request: Json) -> Json:
    """Create a target, or change some of its properties."""
    target = "|".join(request[key] for key in ("ResourceId", "ScalableDimension", "ServiceNamespace"))
    if target in _targets:
        _update_target(target, {**_targets[target], **request})
    else:
        _create_target("", request, "")
    return {"ScalableTargetARN": _targets[target]["ScalableTargetARN"]}


def _scale(target: Json) -> None:
    """Bring the service between the minimum and the maximum."""
    kind, _, name = target["ResourceId"].partition("/")
    service = ecs._services.get(name) if (kind, target["ScalableDimension"]) == ("service", DESIRED_COUNT) else None
    if service is None:
        return
    wanted = min(max(service["desiredCount"], target["MinCapacity"]), target["MaxCapacity"])
    if wanted != service["desiredCount"]:
        cluster, _, name = name.partition("/")
        ecs._update_service({"cluster": cluster, "service": name, "desiredCount": wanted})


def _delete_target(target: str, _properties: Json) -> None:
    _targets.pop(target, None)


SCALABLE_TARGET: Final = ResourceType(
    name="AWS::ApplicationAutoScaling::ScalableTarget",
    create=_create_target,
    update=_update_target,
    delete=_delete_target,
    create_only=("ResourceId", "ScalableDimension", "ServiceNamespace"),
)


def _create_policy(_logical_id: str, properties: Json, _stack: str) -> tuple[str, Json]:
    resource, _, namespace = _target_key(properties)
    name = properties["PolicyName"]
    policy = arn("autoscaling", f"scalingPolicy:{uuid4()}:resource/{namespace}/{resource}:policyName/{name}")
    _policies[policy] = {"PolicyARN": policy, "CreationTime": time.time(), "Alarms": []}
    return policy, _update_policy(policy, properties)


def _target_key(properties: Json) -> tuple[str, str, str]:
    """Return resource, dimension and namespace, whether given as three properties or as a scalable target's id."""
    if "ScalingTargetId" in properties:
        resource, dimension, namespace = properties["ScalingTargetId"].split("|")
        return resource, dimension, namespace
    return properties["ResourceId"], properties["ScalableDimension"], properties["ServiceNamespace"]


def _update_policy(policy: str, properties: Json) -> Json:
    resource, dimension, namespace = _target_key(properties)
    stored = {key: value for key, value in properties.items() if key != "ScalingTargetId"}
    key = {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}
    _policies[policy] = {**_policies[policy], **stored, **key}
    return {"Arn": policy}


def _delete_policy(policy: str, _properties: Json) -> None:
    _policies.pop(policy, None)


SCALING_POLICY: Final = ResourceType(
    name="AWS::ApplicationAutoScaling::ScalingPolicy",
    create=_create_policy,
    update=_update_policy,
    delete=_delete_policy,
    create_only=("PolicyName", "ResourceId", "ScalableDimension", "ScalingTargetId", "ServiceNamespace"),
)


def _describe_targets(request: Json) -> Json:
    resource_ids = request.get("ResourceIds")
    return {
        "ScalableTargets": [
            target
            for target in _targets.values()
            if _matches(target, request) and (not resource_ids or target["ResourceId"] in resource_ids)
        ]
    }


def _describe_policies(request: Json) -> Json:
    names = request.get("PolicyNames")
    return {
        "ScalingPolicies": [
            policy
            for policy in _policies.values()
            if _matches(policy, request) and (not names or policy["PolicyName"] in names)
        ]
    }


def _matches(stored: Json, request: Json) -> bool:
    filters = {key: request[key] for key in ("ServiceNamespace", "ResourceId", "ScalableDimension") if key in request}
    return filters.items() <= stored.items()
