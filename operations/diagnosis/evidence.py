"""Collect the facts about a deployment, each when the first cause asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Final, TypeVar
from urllib.parse import urlsplit

from flask_onetrace.contract import XRAY_DAEMON_CONTAINER_NAME, Output
from operations.diagnosis import aws, clocks, honeycomb, xray
from operations.diagnosis.calls import Calls
from operations.diagnosis.cause import Symptom
from operations.diagnosis.facts import (
    Clocks,
    ContainerDefinition,
    Group,
    Observed,
    Service,
    Target,
    Task,
    TaskDefinition,
)
from operations.diagnosis.stack import Stack
from operations.traces import sampling
from operations.traces.deployment import Deployment
from operations.traces.document import Place
from operations.traces.reports import RECOVERED, SAMPLING, Report, reports
from operations.traces.sampling import Rule

Value = TypeVar("Value")

LOOK_BACK: Final = 15 * 60.0
"""Seconds before verify's first request in which the service may have reported what is still so."""
NO_LINES: Final[Sequence[tuple[float, str]]] = ()
NO_CLOCKS: Final = Clocks()


class Evidence(Stack):
    """What is known of `deployment` beside what verify `observed`. Every fact is read at most once.

    Without the permission to read it a fact is None or empty, and `calls.unchecked` says so. Not thread-safe.
    """

    def __init__(self, deployment: Deployment | None, observed: Observed, *, calls: Calls | None = None) -> None:
        super().__init__(deployment)
        self.observed = observed
        self.calls = calls or Calls()

    @classmethod
    def of(cls, observed: Observed, **facts: object) -> Evidence:
        """Return evidence with these facts, by the names of the properties; no others are read."""
        evidence = cls(None, observed)
        vars(evidence).update(facts)
        return evidence

    # What is missing.

    @cached_property
    def symptoms(self) -> frozenset[Symptom]:
        """The places that miss requests, and whether the segments have another name than the group's filter."""
        places = {Symptom(place.value) for place, missing in self.observed.missing.items() if missing}
        is_renamed = bool(self.segment_names) and self.own_service not in {"", *self.segment_names}
        return frozenset(places | ({Symptom.GROUP} if is_renamed else set()))

    @cached_property
    def off(self) -> frozenset[Symptom]:
        """The places whose sink is off."""
        return frozenset(Symptom(place.value) for place in Place if self.observed.of_place(place).get("on") is False)

    @cached_property
    def segment_names(self) -> Sequence[str]:
        """The names of the segments that arrived."""
        names = (each.get("name") for each in self.observed.arrived.get(Place.XRAY, ()))
        return list(dict.fromkeys(name for name in names if isinstance(name, str)))

    @property
    def since(self) -> float:
        """When verify sent its first request, in seconds since the epoch."""
        return min((each.sent_at for each in self.observed.exchanges), default=time.time())

    # What to do.

    def allow_again(self, actions: Sequence[str]) -> str:
        """Return how to allow the task role what was taken from it outside CloudFormation."""
        return self.recreate(f"`aws iam put-role-policy --role-name {self.role_name}` with {' and '.join(actions)}")

    def restore(self, variable: str = "") -> str:
        """Return how to have the tasks run as the stack says, where they run otherwise or it sets `variable` itself."""
        serving, declared = self.serving, self.declared
        if self.is_local or (serving and declared and serving.arn != declared.arn):
            command = f"aws ecs update-service --cluster {self.output(Output.CLUSTER)} --service"
            command += f" {self.output(Output.SERVICE)} --task-definition {declared.name if declared else ''}"
            return f"Run the stack's task definition again: `{'make up' if self.is_local else command}`"
        first = f"Remove {variable} from [variables] of onetrace.toml, and run" if variable else "Run"
        return f"{first} `{self.command('deploy')}`: the stack sets it"

    # What ECS says.

    @cached_property
    def service(self) -> Service | None:
        """The service."""
        return self._read("the service", "ecs:DescribeServices", aws.service, None)

    @cached_property
    def serving(self) -> TaskDefinition | None:
        """The task definition that the service runs."""
        return self._definition(self.service.definition if self.service else self.output(Output.TASK_DEFINITION))

    @cached_property
    def declared(self) -> TaskDefinition | None:
        """The task definition of the stack's template."""
        return self._definition(self.output(Output.TASK_DEFINITION))

    @property
    def container(self) -> ContainerDefinition | None:
        """The service's container in the task definition that runs."""
        return None if self.serving is None else self.serving.containers.get(self.container_name)

    @property
    def declared_container(self) -> ContainerDefinition | None:
        """The service's container in the stack's task definition."""
        return None if self.declared is None else self.declared.containers.get(self.container_name)

    @property
    def variables(self) -> Mapping[str, str]:
        """The plain variables of the service's container that runs."""
        return {} if self.container is None else self.container.variables

    @property
    def sidecar_variables(self) -> Mapping[str, str]:
        """The plain variables of the X-Ray daemon's container that runs."""
        sidecar = None if self.serving is None else self.serving.containers.get(XRAY_DAEMON_CONTAINER_NAME)
        return {} if sidecar is None else sidecar.variables

    @cached_property
    def tasks(self) -> Sequence[Task]:
        """The tasks that run, and those that have stopped in the last hour, the newest first."""
        return self._read("the service's tasks", "ecs:ListTasks and ecs:DescribeTasks", aws.tasks, [])

    @property
    def running_tasks(self) -> Sequence[Task]:
        """The tasks that run."""
        return [each for each in self.tasks if each.status == "RUNNING"]

    @cached_property
    def targets(self) -> Sequence[Target] | None:
        """The targets of the load balancer."""
        action = "elasticloadbalancing:DescribeTargetHealth"
        return self._read("the load balancer's targets", action, aws.targets, None)

    @property
    def role_name(self) -> str:
        """The name of the task role."""
        return self.serving.task_role.rpartition("/")[2] if self.serving else ""

    @cached_property
    def denied(self) -> frozenset[str] | None:
        """The actions of telemetry that IAM's policy simulator denies the task role."""
        if self.serving is None or not self.serving.task_role:
            return None
        simulate = partial(aws.denied, role=self.serving.task_role, group=self.log_group)
        return self._read("what the task role allows", "iam:SimulatePrincipalPolicy", simulate, None)

    @cached_property
    def waited(self) -> float:
        """The seconds since the last response."""
        return time.time() - max((each.received_at for each in self.observed.exchanges), default=0.0)

    # What the lines say.

    @cached_property
    def reports(self) -> Sequence[Report]:
        """What the tasks that run reported of their sinks in the last quarter of an hour, the newest first."""
        started = min((each.started for each in self.running_tasks if each.started is not None), default=0.0)
        since = max(started, self.since - LOOK_BACK)
        events = [*(self._log_events or ()), *(event for events in self._output_events.values() for event in events)]
        current = [(at, text) for at, text in events if at >= since]
        return sorted(reports(current), key=lambda each: each.at, reverse=True)

    def report(self, sink: str) -> Report | None:
        """Return the newest report of a sink that still holds, None where there is none."""
        own = (each for each in self.reports if each.sink == sink and each.kind != SAMPLING)
        newest = next(own, None)
        return None if newest is None or newest.kind == RECOVERED else newest

    @cached_property
    def has_log_lines(self) -> bool:
        """Whether the reports of the service could be read."""
        return self._log_events is not None

    @cached_property
    def daemon_output(self) -> Sequence[str]:
        """The last lines of the sidecars that run or have stopped, the oldest first."""
        return [text for _, text in self._output_events.get(XRAY_DAEMON_CONTAINER_NAME, ())]

    @cached_property
    def log_groups(self) -> Sequence[str] | None:
        """The names of the log groups that begin with the application's."""
        return self._read("the log groups", "logs:DescribeLogGroups", aws.log_groups, None)

    @cached_property
    def _log_events(self) -> Sequence[tuple[float, str]] | None:
        reader = partial(aws.report_events, since=self.since - LOOK_BACK)
        return self._read("the service's own log lines", "logs:FilterLogEvents", reader, None)

    @cached_property
    def _output_events(self) -> Mapping[str, Sequence[tuple[float, str]]]:
        """The last lines of each container's standard output and error, by the container's name."""
        events: dict[str, list[tuple[float, str]]] = {}
        for task in self.tasks:
            for container in () if self.serving is None else self.serving.containers.values():
                reader = partial(aws.output_events, container=container, task=task)
                lines = self._read(f"the output of {container.name}", "logs:GetLogEvents", reader, NO_LINES)
                events.setdefault(container.name, []).extend(lines)
        return {name: sorted(lines) for name, lines in events.items()}

    # What X-Ray says.

    @cached_property
    def rules(self) -> Sequence[Rule] | None:
        """The sampling rules of the account and region, the first to be tried first."""
        return self._read("the sampling rules", "xray:GetSamplingRules", sampling.rules, None)

    def rule_of(self, path: str) -> Rule | None:
        """Return the rule of a GET request, None where none matches or they are not known."""
        host, path = urlsplit(self.observed.url).netloc, urlsplit(path).path
        return sampling.rule_of(self.rules or (), service=self.own_service, host=host, method="GET", path=path)

    @cached_property
    def groups(self) -> Sequence[Group] | None:
        """The X-Ray groups of the account and region."""
        return self._read("the X-Ray groups", "xray:GetGroups", xray.groups, None)

    def group_shows(self, expression: str) -> bool | None:
        """Return whether a filter expression matches one of verify's traces, None where that is not known."""
        ids = [each.trace_id for each in self.observed.exchanges if each.trace_id]
        reader = partial(xray.shows, expression=expression, trace_ids=ids, since=self.since)
        return self._read("what the X-Ray group shows", "xray:GetTraceSummaries", reader, None)

    @cached_property
    def destination(self) -> str | None:
        """`XRay`, or `CloudWatchLogs` where Transaction Search is on."""
        action = "xray:GetTraceSegmentDestination"
        return self._read("whether Transaction Search is on", action, xray.destination, None)

    @cached_property
    def indexed_percent(self) -> float | None:
        """The percentage of traces that Transaction Search indexes."""
        return self._read("what Transaction Search indexes", "xray:GetIndexingRules", xray.indexed_percent, None)

    # What others say.

    @cached_property
    def clocks(self) -> Clocks:
        """How far the clocks of this machine and of the task are from AWS's."""
        reader = partial(clocks.read, observed=self.observed)
        return self._read("AWS's clock", "ecs:DescribeServices", reader, NO_CLOCKS)

    @cached_property
    def honeycomb_hosts(self) -> Sequence[str]:
        """The hosts of Honeycomb's regions that accept the configuration key."""
        return () if self.deployment is None else honeycomb.accepting_hosts(self.deployment)

    def _definition(self, arn: str) -> TaskDefinition | None:
        what, reader = f"the task definition {arn.rpartition('/')[2]}", partial(aws.task_definition, arn=arn)
        return self._read(what, "ecs:DescribeTaskDefinition", reader, None) if arn else None

    def _read(self, what: str, action: str, reader: Callable[[Deployment], Value], default: Value) -> Value:
        deployment = self.deployment
        return default if deployment is None else self.calls.read(what, action, lambda: reader(deployment), default)
