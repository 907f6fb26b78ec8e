"""The synthesized templates of an environment, read and resolved once for any number of estimates."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from operations.cost.intrinsics import Resolver, is_open, reference
from operations.errors import OperatorError

_STACK_ARTIFACT: Final = "aws:cloudformation:stack"
_STAGE_ARTIFACT: Final = "cdk:cloud-assembly"
_ANY_REGION: Final = "unknown-region"
_ENVIRONMENT_TAG: Final = "environment"
_MACRO: Final = "Fn::"
"""How the logical id of a loop begins ("Fn::ForEach", AWS CloudFormation User Guide)."""
_SYNTHESIZE: Final = "Synthesize it anew: make synth"


class NoPriceError(OperatorError):
    """A resource, or its kind of one, has no price here: the user's own price file can have one."""

    def __init__(self, resource: Resource, kind: str = "") -> None:
        super().__init__(
            f"There is no price of {resource}{kind}",
            f'Give a price file of your own that has it, by make cost PRICES=file.toml: [resources."{resource.type}"]'
            " with monthly = US dollars each, or free = the reason, and source and read",
        )


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a template, its properties resolved as far as the templates tell."""

    stack: str
    logical_id: str
    type: str
    properties: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.logical_id} ({self.type}) of {self.stack}"

    def get(self, *path: str) -> Any:  # noqa: ANN401 - JSON
        """Return the property at `path`, None where there is none."""
        value: Any = self.properties
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def records(self, *path: str) -> list[Mapping[str, Any]]:
        """Return the property at `path` as a list of mappings. Raises `OperatorError` where it is something else."""
        value = self.get(*path)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
            raise self.error(".".join(path), value, "a list of mappings")
        return value

    def error(self, name: str, value: object, expected: str) -> OperatorError:
        """Return the error of a property that has another form than CloudFormation's."""
        return OperatorError(f"{name} of {self} is {str(value)[:80]!r}, not {expected}", _SYNTHESIZE)


@dataclass(frozen=True)
class Templates:
    """The resources of an environment's stacks."""

    environment: str
    resources: Sequence[Resource]
    assumptions: Sequence[str]
    """Of conditions that only the deployment decides."""
    region: str = ""
    """That the stacks are declared to be in, empty for any."""

    def of_type(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of `types`."""
        for each in types:
            yield from self._by_type.get(each, ())

    def referred(self, value: object) -> Resource | None:
        """Return the resource that a `Ref`, an attribute or another stack's output refers to."""
        found = reference(value)
        return self._by_id.get(found) if found else None

    def named(self, resource_type: str, name_property: str, value: object) -> Resource | None:
        """Return the resource of that type that `value` refers to, by its name or by reference."""
        by_reference = self.referred(value)
        if by_reference is not None and by_reference.type == resource_type:
            return by_reference
        return next((each for each in self.of_type(resource_type) if value and each.get(name_property) == value), None)

    @cached_property
    def _by_type(self) -> Mapping[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for each in self.resources:
            found.setdefault(each.type, []).append(each)
        return found

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], Resource]:
        return {(each.stack, each.logical_id): each for each in self.resources}


@dataclass(frozen=True, slots=True)
class _Stack:
    """A stack of an assembly."""

    name: str
    template: Mapping[str, Any]
    environment: str
    region: str


def load(assembly: Path) -> Templates:
    """Return the templates of a cloud assembly, as `cdk synth` writes it, those of its stages included.

    Raises `OperatorError` for what is none, and for stacks in several regions.
    """
    stacks = list(_stacks(assembly, frozenset()))
    regions = sorted({each.region for each in stacks} - {"", _ANY_REGION})
    if len(regions) > 1:
        raise OperatorError(
            f"The stacks of {assembly} are in {' and '.join(regions)}, and an estimate has the prices of one region",
            "Give an assembly of one region at a time, by ASSEMBLY=folder",
        )
    environment = next((each.environment for each in stacks if each.environment), "")
    by_name = {each.name: each.template for each in stacks}
    if len(by_name) < len(stacks):
        raise OperatorError(f"Stacks of {assembly} have the same name", "Give one stage at a time, by ASSEMBLY=folder")
    return of(by_name, environment, region="".join(regions))


def _stacks(assembly: Path, above: frozenset[Path]) -> Iterator[_Stack]:
    path = assembly / "manifest.json"
    if assembly.resolve() in above:
        raise OperatorError(f"{path} is an assembly within itself", _SYNTHESIZE)
    for name, artifact in _mapping(_json(path).get("artifacts"), f"artifacts of {path}").items():
        kind = artifact.get("type") if isinstance(artifact, Mapping) else None
        if kind not in (_STACK_ARTIFACT, _STAGE_ARTIFACT):
            continue
        properties = _mapping(artifact.get("properties"), f"properties of {name} in {path}")
        if kind == _STAGE_ARTIFACT:
            yield from _stacks(assembly / str(properties.get("directoryName")), above | {assembly.resolve()})
            continue
        tags = properties.get("tags")
        yield _Stack(
            str(properties.get("stackName") or name),
            _json(assembly / str(properties.get("templateFile"))),
            str(tags.get(_ENVIRONMENT_TAG, "")) if isinstance(tags, Mapping) else "",
            str(artifact.get("environment", "")).rpartition("/")[2],
        )


def of(stacks: Mapping[str, Mapping[str, Any]], environment: str, *, region: str = "") -> Templates:
    """Return the resources of `stacks`, templates as parsed JSON by the stacks' names. Raises `OperatorError`."""
    assumptions: dict[str, None] = {}
    if not stacks:
        raise OperatorError("There is no stack to price", _SYNTHESIZE)
    for stack, template in stacks.items():
        if "Transform" in _mapping(template, f"The template of {stack}"):
            assumptions.setdefault(f"The transform of {stack}, which CloudFormation applies, adds no resource.")
    try:
        resources = [
            each
            for stack in stacks
            for each in _resources(stack, Resolver(stack, stacks, region, assumptions.setdefault))
            if each is not None
        ]
    except RecursionError:
        raise OperatorError(
            f"A value in the templates of {', '.join(stacks)} is nested too deeply, or refers to itself", _SYNTHESIZE
        ) from None
    return Templates(environment, tuple(resources), tuple(assumptions), region)


def _resources(stack: str, resolver: Resolver) -> Iterator[Resource]:
    declared = _mapping(resolver.template.get("Resources"), f"Resources of {stack}")
    for logical_id, resource in declared.items():
        if logical_id.startswith(_MACRO):
            raise _expanded_at_deployment(f"{logical_id} of {stack}")
        content = _mapping(resource, f"{logical_id} of {stack}")
        resource_type = content.get("Type")
        if not isinstance(resource_type, str):
            raise OperatorError(f"{logical_id} of {stack} has no Type", _SYNTHESIZE)
        if resolver.created(content, logical_id):
            properties = resolver.value(content.get("Properties") or {})
            if is_open(properties):
                raise _expanded_at_deployment(f"Properties of {logical_id} of {stack}")
            yield Resource(
                stack, logical_id, resource_type, _mapping(properties, f"Properties of {logical_id} of {stack}")
            )


def _expanded_at_deployment(what: str) -> OperatorError:
    return OperatorError(
        f"{what}: expanded by CloudFormation only, as a loop or a macro",
        "Give an assembly whose templates have what it expands to, by ASSEMBLY=folder",
    )


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        raise OperatorError(f"{path} cannot be read: {error.strerror}", _SYNTHESIZE) from None
    except (ValueError, RecursionError) as error:
        raise OperatorError(f"{path} is no JSON: {error}", _SYNTHESIZE) from None


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise OperatorError(f"{what} is no mapping but {type(value).__name__}", _SYNTHESIZE)
    return value
