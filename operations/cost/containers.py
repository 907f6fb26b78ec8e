"""The containers of the services, with what the estimate reads of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_onetrace import parsing
from flask_onetrace.contract import Variable
from operations.cost.intrinsics import as_mapping
from operations.cost.reading import Reader
from operations.cost.scaling import task_definition
from operations.cost.templates import Resource


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a service's task definition."""

    service: Resource
    name: str
    variables: Mapping[str, str]
    secrets: Mapping[str, object]
    """What each variable's value comes from, an ARN or a reference."""
    output_group: object
    """The log group that `awslogs` ships standard output and error to, None without it."""
    restarts: bool
    """Whether it has a restart policy."""
    has_health_check: bool

    def variable(self, name: Variable) -> str:
        """Return a variable's value, empty where it is not set or comes from a secret."""
        return self.variables.get(name, "")

    def is_set(self, name: Variable) -> bool:
        """Return whether a variable has a value, its own or a secret's."""
        return bool(self.variable(name)) or name in self.secrets

    def flag(self, name: Variable, *, default: bool) -> bool:
        """Return a variable as true or false, as the service reads it."""
        try:
            return parsing.boolean(self.variable(name).strip() or str(default))
        except ValueError:
            return default


def containers(reader: Reader) -> Iterator[Container]:
    """Yield the containers of every service. Raises `OperatorError` for definitions that are none."""
    for service in reader.templates.of_type("AWS::ECS::Service"):
        definition = task_definition(reader, service)
        for declared in definition.records("ContainerDefinitions") if definition else ():
            yield _container(service, declared)


def application_of(containers: Sequence[Container]) -> Container | None:
    """Return the container whose requests are traced and logged: the first that has a log group or a service name."""
    named = (Variable.CLOUDWATCH_LOG_GROUP, Variable.OTEL_SERVICE_NAME)
    return next((each for each in containers if any(map(each.is_set, named))), None)


def _container(service: Resource, declared: Mapping[str, Any]) -> Container:
    log = as_mapping(declared.get("LogConfiguration"))
    options = as_mapping(log.get("Options"))
    return Container(
        service=service,
        name=str(declared.get("Name", "")),
        variables={str(each.get("Name")): str(each.get("Value", "")) for each in _records(declared, "Environment")},
        secrets={str(each.get("Name")): each.get("ValueFrom") for each in _records(declared, "Secrets")},
        output_group=options.get("awslogs-group") if log.get("LogDriver") == "awslogs" else None,
        restarts=as_mapping(declared.get("RestartPolicy")).get("Enabled") is True,
        has_health_check="HealthCheck" in declared,
    )


def _records(declared: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = declared.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
