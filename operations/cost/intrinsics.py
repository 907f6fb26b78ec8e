"""Resolve CloudFormation's intrinsic functions, as far as a template alone tells.

What only a deployment knows is left open, as text: `${Cruddur-prod-Service|LogsGroup.Arn}`, of the stack, the resource
and the attribute ("Intrinsic function reference", AWS CloudFormation User Guide).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_NO_VALUE: Final = object()
_REFERENCE: Final = re.compile(r"\$\{([^|{}]+)\|([A-Za-z0-9]+)(?:\.[^{}]*)?\}")
_SUBSTITUTION: Final = re.compile(r"\$\{([^!{}][^{}]*)\}")
_PARTITION: Final = "aws"


def is_open(value: object) -> bool:
    """Return whether only a deployment knows the value, or a part of it."""
    return isinstance(value, str) and ("${" in value or "{{resolve:" in value)


def reference(value: object) -> tuple[str, str] | None:
    """Return the stack and the logical id of the first resource that an open value refers to."""
    match = _REFERENCE.search(value) if isinstance(value, str) else None
    return (match[1], match[2]) if match else None


class Resolver:
    """Resolve the values of one stack's template; `stacks` are the templates of all, for their outputs."""

    def __init__(
        self, stack: str, stacks: Mapping[str, Mapping[str, Any]], region: str, assume: Callable[[str], object]
    ) -> None:
        self._stack = stack
        self._stacks = stacks
        self.template = stacks[stack]
        self._region = region
        self._assume = assume

    def value(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return `value` with the functions in it resolved or open, without what is `AWS::NoValue`."""
        if isinstance(value, list):
            return [each for item in value if (each := self.value(item)) is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name in {"Ref", "Condition"} or str(name).startswith("Fn::"):
                return self._call(str(name), argument)
        return {key: each for key, item in value.items() if (each := self.value(item)) is not _NO_VALUE}

    def created(self, resource: Mapping[str, Any], logical_id: str) -> bool:
        """Return whether the resource's condition lets it be created: an open one does."""
        name = resource.get("Condition")
        if name is None:
            return True
        holds = self._condition(name)
        if holds is None:
            self._assume(f"The condition {name} of {logical_id} depends on the deployment: it is taken to hold.")
        return holds is not False

    def _call(self, name: str, argument: Any) -> Any:  # noqa: ANN401
        function = _FUNCTIONS.get(name)
        return function(self, argument) if function else f"${{{name}}}"

    def _ref(self, argument: object) -> Any:  # noqa: ANN401
        name = str(argument)
        if name == "AWS::NoValue":
            return _NO_VALUE
        pseudo = {"AWS::Partition": _PARTITION, "AWS::StackName": self._stack, "AWS::URLSuffix": "amazonaws.com"}
        if name in pseudo:
            return pseudo[name]
        if name == "AWS::Region" and self._region:
            return self._region
        parameter = as_mapping(self.template.get("Parameters")).get(name)
        if isinstance(parameter, Mapping):
            is_value = not str(parameter.get("Type", "")).startswith("AWS::SSM::")
            return parameter["Default"] if "Default" in parameter and is_value else f"${{{name}}}"
        if name in as_mapping(self.template.get("Resources")):
            return f"${{{self._stack}|{name}}}"
        return f"${{{name}}}"

    def _attribute(self, argument: object) -> str:
        parts = argument.split(".", 1) if isinstance(argument, str) else self.value(argument)
        if isinstance(parts, list) and len(parts) > 1:
            return f"${{{self._stack}|{parts[0]}.{parts[1]}}}"
        return "${Fn::GetAtt}"

    def _join(self, argument: object) -> str:
        match self.value(argument):
            case [str(delimiter), list(parts)]:
                return delimiter.join(each if isinstance(each, str) else json.dumps(each) for each in parts)
        return "${Fn::Join}"

    def _select(self, argument: object) -> Any:  # noqa: ANN401
        match self.value(argument):
            case [int() | str() as index, list(parts)] if str(index).isdecimal() and int(index) < len(parts):
                return parts[int(index)]
        return "${Fn::Select}"

    def _split(self, argument: object) -> Any:  # noqa: ANN401
        match self.value(argument):
            case [str(delimiter), str(text)] if delimiter and not is_open(text):
                return text.split(delimiter)
        return "${Fn::Split}"

    def _substitute(self, argument: object) -> str:
        text, variables = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})  # noqa: PLR2004
        if not isinstance(text, str):
            return "${Fn::Sub}"
        values = as_mapping(self.value(variables))

        def replace(match: re.Match[str]) -> str:
            name = match[1]
            if name in values:
                return str(values[name])
            found = self._attribute(name) if "." in name else self._ref(name)
            return "" if found is _NO_VALUE else str(found)

        return _SUBSTITUTION.sub(replace, text)

    def _if(self, argument: object) -> Any:  # noqa: ANN401
        if not (isinstance(argument, list) and len(argument) == 3):  # noqa: PLR2004 - condition, then, else
            return "${Fn::If}"
        name, then, otherwise = argument
        holds = self._condition(name)
        if holds is None:
            self._assume(f"The condition {name} of {self._stack} depends on the deployment: it is taken to hold.")
        return self.value(otherwise if holds is False else then)

    def _condition(self, name: object) -> bool | None:
        """Return whether a condition holds, None if that is open."""
        return self._test(as_mapping(self.template.get("Conditions")).get(str(name)))

    def _test(self, test: object) -> bool | None:
        match test:
            case {"Condition": name}:
                return self._condition(name)
            case {"Fn::Not": [inner]}:
                holds = self._test(inner)
                return None if holds is None else not holds
            case {"Fn::And": list(inner)}:
                tests = [self._test(each) for each in inner]
                return False if False in tests else None if None in tests else True
            case {"Fn::Or": list(inner)}:
                tests = [self._test(each) for each in inner]
                return True if True in tests else None if None in tests else False
            case {"Fn::Equals": [left, right]}:
                left, right = self.value(left), self.value(right)
                return None if is_open(left) or is_open(right) else str(left) == str(right)
        return None

    def _zones(self, _argument: object) -> list[str]:
        return [f"${{zone {number}}}" for number in range(1, 7)]

    def _in_map(self, argument: object) -> Any:  # noqa: ANN401
        keys = self.value(argument)
        found: Any = as_mapping(self.template.get("Mappings"))
        for key in keys if isinstance(keys, list) else []:
            found = as_mapping(found).get(str(key), "${Fn::FindInMap}")
        return found if not isinstance(found, Mapping) else "${Fn::FindInMap}"

    def _output(self, argument: object) -> Any:  # noqa: ANN401
        """Return the value of another stack's output, by CDK's weak reference."""
        match self.value(argument):
            case {"StackName": str(stack), "OutputName": str(name)} if stack in self._stacks:
                output = as_mapping(as_mapping(self._stacks[stack].get("Outputs")).get(name))
                return Resolver(stack, self._stacks, self._region, self._assume).value(output.get("Value", "${output}"))
        return "${Fn::GetStackOutput}"

    def _import(self, argument: object) -> Any:  # noqa: ANN401
        wanted = self.value(argument)
        for stack, template in self._stacks.items():
            resolver = Resolver(stack, self._stacks, self._region, self._assume)
            for output in as_mapping(template.get("Outputs")).values():
                export = as_mapping(as_mapping(output).get("Export")).get("Name")
                if export is not None and resolver.value(export) == wanted:
                    return resolver.value(as_mapping(output).get("Value", "${output}"))
        return "${Fn::ImportValue}"


_FUNCTIONS: Final[Mapping[str, Callable[[Resolver, Any], Any]]] = {
    "Ref": Resolver._ref,
    "Fn::GetAtt": Resolver._attribute,
    "Fn::Join": Resolver._join,
    "Fn::Select": Resolver._select,
    "Fn::Split": Resolver._split,
    "Fn::Sub": Resolver._substitute,
    "Fn::If": Resolver._if,
    "Fn::GetAZs": Resolver._zones,
    "Fn::FindInMap": Resolver._in_map,
    "Fn::GetStackOutput": Resolver._output,
    "Fn::ImportValue": Resolver._import,
}


def as_mapping(value: object) -> Mapping[str, Any]:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}
