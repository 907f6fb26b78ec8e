"""Read the names and outputs of a deployment's stacks, and return the commands that change it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from flask_onetrace.contract import Output
from infra.environment_names import LOCAL
from operations.selection import make_variables
from operations.traces.deployment import Deployment


class Stack:
    """The names of a deployment; all are empty where there is none."""

    def __init__(self, deployment: Deployment | None) -> None:
        self.deployment = deployment

    @cached_property
    def outputs(self) -> Mapping[str, str]:
        """The outputs of the service stack."""
        return {} if self.deployment is None else self.deployment.outputs

    def output(self, name: str) -> str:
        """Return an output of the service stack, empty where it is not known."""
        return self.outputs.get(name, "")

    def command(self, target: str) -> str:
        """Return the make command for this deployment; the local one is deployed, with its keys, by `make up`."""
        if self.deployment is None:
            return f"make {target}"
        return "make up" if self.is_local else f"make {target} {make_variables(self.deployment.names)}"

    def recreate(self, command: str) -> str:
        """Return how to create again what was deleted outside CloudFormation: by `command`, but locally."""
        return "`make down`, then `make up`" if self.is_local else command

    @property
    def endpoint(self) -> str | None:
        """Return the URL of the emulator, None for AWS."""
        return self.deployment.aws.xray.meta.endpoint_url if self.deployment is not None and self.is_local else None

    @property
    def is_local(self) -> bool:
        """Whether it is the local deployment."""
        return self.deployment is not None and self.deployment.names.environment == LOCAL

    @cached_property
    def region(self) -> str:
        """The region of the stack."""
        return "" if self.deployment is None else self.deployment.region

    @cached_property
    def log_group(self) -> str:
        """The name of the stack's log group."""
        names = "" if self.deployment is None else self.deployment.names.log_group
        return self.output(Output.LOG_GROUP) or names

    @cached_property
    def own_rule(self) -> str:
        """The name of the stack's sampling rule, which is that of its X-Ray group too."""
        return "" if self.deployment is None else self.deployment.names.xray_group

    @cached_property
    def own_service(self) -> str:
        """The name of the segments as the stack sets it."""
        return "" if self.deployment is None else self.deployment.names.xray_service

    @cached_property
    def container_name(self) -> str:
        """The name of the service's container."""
        return "" if self.deployment is None else self.deployment.names.application.container_name
