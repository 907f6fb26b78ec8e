"""Synthesize in this process and read the result as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import app
from infra import application_file
from infra.names import Names
from operations.synthesis import new_app
from tests.sample import CRUDDUR

ROOT: Final = Path(__file__).parent.parent.parent
PLAIN_IMAGE: Final = "backend-flask:plain"

Json = dict[str, Any]


@dataclass(frozen=True)
class StackTemplate:
    """One stack's template."""

    path: Path
    content: Json

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def of_type(self, resource_type: str) -> list[Json]:
        return [each for each in self.content["Resources"].values() if each["Type"] == resource_type]

    def ids_of_type(self, resource_type: str) -> list[str]:
        return [name for name, each in self.content["Resources"].items() if each["Type"] == resource_type]

    def only(self, resource_type: str) -> Json:
        (resource,) = self.of_type(resource_type)
        properties: Json = resource["Properties"]
        return properties

    def container(self, name: str) -> Json:
        definitions = self.only("AWS::ECS::TaskDefinition")["ContainerDefinitions"]
        containers: dict[str, Json] = {each["Name"]: each for each in definitions}
        return containers[name]

    def statements_of(self, role_kind: str) -> Iterator[Json]:
        """Yield the statements of the policies attached to the task definition's `role_kind` ("TaskRoleArn", ...)."""
        role = self.only("AWS::ECS::TaskDefinition")[role_kind]["Fn::GetAtt"][0]
        for policy in self.of_type("AWS::IAM::Policy"):
            if {"Ref": role} in policy["Properties"]["Roles"]:
                yield from policy["Properties"]["PolicyDocument"]["Statement"]


@dataclass(frozen=True)
class Assembly:
    """Both stacks of one environment."""

    environment: str
    observability: StackTemplate
    service: StackTemplate

    @property
    def stacks(self) -> tuple[StackTemplate, StackTemplate]:
        return self.observability, self.service


def load(folder: Path, names: Names) -> Assembly:
    return Assembly(
        environment=names.environment,
        observability=_template(folder, names.observability_stack),
        service=_template(folder, names.service_stack),
    )


def synthesize(folder: Path, environment: str, **context: str) -> Assembly:
    """Run the whole app with cdk.json's own feature flags; cfn-lint, not the built-in validator, checks the result.

    Without a domain production is refused, unless it is to serve plain HTTP.
    """
    cdk_app = new_app(folder, **({"environment": environment, "image": ""} | context))
    app.build(cdk_app)
    cdk_app.synth()
    application = application_file.load(Path(context["app"])) if "app" in context else CRUDDUR
    return load(folder, Names(application, environment))


def _template(folder: Path, stack: str) -> StackTemplate:
    path = folder / f"{stack}.template.json"
    return StackTemplate(path=path, content=json.loads(path.read_text(encoding="utf-8")))
