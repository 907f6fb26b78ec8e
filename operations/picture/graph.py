"""Reduce the stacks to their constructs, what each creates, and which refers to which."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aws_cdk as cdk
from constructs import IConstruct

import app
from operations.synthesis import new_app

_NOT_DRAWN: Final = ("AWS::CDK::Metadata",)

_SERVICES: Final = {"ECS": "ECS", "IAM": "IAM", "S3": "S3", "SNS": "SNS", "XRay": "X-Ray", "CloudWatch": "CloudWatch"}
"""The services whose kinds of resources say too little by themselves."""
_WRITTEN: Final = {"vPC": "VPC", "nat gateway": "NAT gateway", "eIP": "Elastic IP"}
"""Names that AWS writes in capitals."""


@dataclass(frozen=True, slots=True)
class Box:
    """A construct of a stack: its name, and how many resources of each type it has."""

    stack: str
    name: str
    resources: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Graph:
    """The boxes of all stacks, in the order of the code, and for each those that it refers to."""

    boxes: tuple[Box, ...]
    references: dict[Box, tuple[Box, ...]]


def graph_of(environment: str, folder: Path) -> Graph:
    """Synthesize `environment` into `folder` and return its graph."""
    stacks = new_app(folder, environment=environment)
    app.build(stacks)
    stacks.synth()
    owners: dict[tuple[str, str], Box] = {}
    for stack in stacks.node.children:
        if isinstance(stack, cdk.Stack):
            owners |= {
                (stack.stack_name, logical_id): box
                for construct in stack.node.children
                for box, logical_ids in _box(stack, construct)
                for logical_id in logical_ids
            }
    boxes = tuple(dict.fromkeys(owners.values()))
    return Graph(boxes, _references(boxes, owners, folder))


def _box(stack: cdk.Stack, construct: IConstruct) -> Iterator[tuple[Box, list[str]]]:
    """Yield the box of `construct` with the logical ids of its resources, nothing for one that creates none."""
    resources = [
        each
        for each in construct.node.find_all()
        if isinstance(each, cdk.CfnResource) and each.cfn_resource_type not in _NOT_DRAWN
    ]
    if resources:
        counts = Counter(_short(each.cfn_resource_type) for each in resources)
        logical_ids = [stack.resolve(each.logical_id) for each in resources]
        yield Box(stack.stack_name, _words(construct.node.id), tuple(counts.items())), logical_ids


def _references(boxes: tuple[Box, ...], owners: dict[tuple[str, str], Box], folder: Path) -> dict[Box, tuple[Box, ...]]:
    templates = {
        stack: json.loads((folder / f"{stack}.template.json").read_text(encoding="utf-8"))
        for stack in dict.fromkeys(box.stack for box in boxes)
    }
    found: dict[Box, dict[Box, None]] = {box: {} for box in boxes}
    for (stack, logical_id), box in owners.items():
        for target in _targets(templates, stack, templates[stack]["Resources"][logical_id]):
            if (other := owners.get(target)) is not None and other is not box:
                found[box][other] = None
    return {box: tuple(others) for box, others in found.items()}


def _targets(templates: dict[str, Any], stack: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield the stack and logical id of each resource that `value` refers to."""
    if isinstance(value, list):
        for each in value:
            yield from _targets(templates, stack, each)
    elif isinstance(value, dict):
        for key, argument in value.items():
            if key == "Ref":
                yield stack, argument
            elif key == "Fn::GetAtt":
                yield stack, argument[0]
            elif key == "Fn::GetStackOutput":
                other = argument["StackName"]
                yield from _targets(templates, other, templates[other]["Outputs"][argument["OutputName"]]["Value"])
            else:
                yield from _targets(templates, stack, argument)


def _short(resource_type: str) -> str:
    """Return `ECS service` of `AWS::ECS::Service`, and `Load balancer` where the kind alone says what it is."""
    _, service, kind = resource_type.split("::")
    name = f"{_SERVICES.get(service, '')} {_words(kind)[:1].lower()}{_words(kind)[1:]}".strip()
    for written, meant in _WRITTEN.items():
        name = name.replace(written, meant)
    return name[:1].upper() + name[1:]


def _words(name: str) -> str:
    """Return `Container output` of `ContainerOutput`."""
    first, *rest = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=VPC)(?=[A-Z][a-z])", " ", name).split(" ")
    return " ".join([first, *map(str.lower, rest)])
