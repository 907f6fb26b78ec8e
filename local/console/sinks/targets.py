"""Find the addresses at which the service itself answers, past the load balancer."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from flask_onetrace.contract import RUNTIME_HEALTH_CHECK_PATH, Output
from local.console.stack.source import StackSource, output, readable
from local.workspace.ports import LOOPBACK
from operations.errors import OperatorError

DRAINING: Final = "draining"
MAX_TARGETS: Final = 16


@dataclass(frozen=True, slots=True)
class Targets:
    """Addresses as `host:port`, and the paths of the health check, the preferred one first.

    `problem` says why the list may be out of date: then these are the last ones that could be read.
    """

    addresses: tuple[str, ...] = ()
    paths: tuple[str, ...] = (RUNTIME_HEALTH_CHECK_PATH,)
    problem: str = ""


@dataclass(slots=True)
class TargetReader:
    """Reads the registered targets of the target group, which are the process or the tasks."""

    source: StackSource
    last: Targets = field(default_factory=Targets)

    def read(self) -> Targets:
        """Return the targets; never raises."""
        try:
            self.last = self._read()
        except OperatorError as error:
            return Targets(self.last.addresses or self._process(), self.last.paths, str(error))
        return self.last

    def _process(self) -> tuple[str, ...]:
        """Return the address of the service's process, where it is one."""
        with suppress(OperatorError):
            if (service := self.source.session().state.service) is not None:
                return (f"{LOOPBACK}:{service.port}",)
        return ()

    def _read(self) -> Targets:
        deployment = self.source.deployment()
        with readable(self.source, "Elastic Load Balancing"):
            health = deployment.aws.elbv2.describe_target_health(
                TargetGroupArn=output(deployment, Output.TARGET_GROUP)
            )["TargetHealthDescriptions"]
        targets = [each.get("Target", {}) for each in health if each.get("TargetHealth", {}).get("State") != DRAINING]
        addresses = tuple(f"{each.get('Id', '')}:{each.get('Port', 0)}" for each in targets[:MAX_TARGETS])
        # A sampling rule keeps the deployed health check's path out of the traces; it is one of the application's own,
        # or shows the detail as the runtime's does.
        paths = dict.fromkeys((deployment.names.application.health_check_path, RUNTIME_HEALTH_CHECK_PATH))
        return Targets(
            addresses, tuple(paths), "" if addresses else "The target group has no target: no task is running"
        )
