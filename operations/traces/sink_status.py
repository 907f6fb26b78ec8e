"""Read each sink's status from the health check, and the problems that the service and its containers logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import requests

from flask_onetrace.contract import LOGGER_FIELD, RUNTIME_HEALTH_CHECK_PATH, Output
from operations.traces.deployment import Deployment
from operations.traces.document import Json, Place
from operations.traces.errors import ReadError, reading
from operations.traces.places.cloudwatch import line_of, newest_lines
from operations.traces.records import plain
from operations.traces.reports import FILTER_PATTERN

_TIMEOUT: Final = (3.0, 10.0)
_REMEDY: Final = "Use credentials with the reader's permissions (docs/traces.md)"
_OWN_LOGGERS: Final = "flask_onetrace."
_MAX_LINES: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkStatus:
    """One sink as the health check reports it. `because` is why it is off.

    `detail` has the figures of `?detail` (docs/telemetry.md), where the service shows them: `queued`, `delivered`,
    `dropped` by reason, `unauthorized` and `last_error`.
    """

    name: str
    on: bool
    because: str | None = None
    detail: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the health check of the task that answered says."""

    version: str | None
    environment: str | None
    sinks: Mapping[str, SinkStatus]

    def of_place(self, place: Place) -> SinkStatus | None:
        """Return the status of a place's sink."""
        return self.sinks.get(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line in which the service, or a container, reports a problem. `timestamp` is in milliseconds."""

    timestamp: int
    message: str
    group: str
    stream: str = ""


def read_health(url: str) -> Health:
    """Return what the runtime's health check at `url` reports. Raises `ReadError`."""
    target = f"{url.rstrip('/')}{RUNTIME_HEALTH_CHECK_PATH}"
    with requests.Session() as session:
        session.trust_env = not target.startswith("http://127.0.0.1")  # no proxy for this machine's own
        try:
            response = session.get(target, params={"detail": ""}, timeout=_TIMEOUT, allow_redirects=False)
            document: Any = plain(response.json())
        except requests.JSONDecodeError as error:
            raise ReadError(
                f"GET {target} returned {response.status_code} and no JSON", "Check that the URL is the service's"
            ) from error
        except requests.RequestException as error:
            raise ReadError(
                f"GET {target}: no response ({type(error).__name__})", "Check that the service is up"
            ) from error
    if not isinstance(document, dict) or not isinstance(document.get("sinks"), dict):
        raise ReadError(f"GET {target} returned {response.status_code} without sinks", "Check the URL")
    sinks = {str(name): _status(str(name), each) for name, each in document["sinks"].items() if isinstance(each, dict)}
    return Health(version=_text(document.get("version")), environment=_text(document.get("environment")), sinks=sinks)


def problems(deployment: Deployment, since: float) -> list[Problem]:
    """Return what the service has reported of its sinks since a time in seconds since the epoch, the oldest first.

    It reports in the log group, and in the containers' output what cannot travel through that sink. Raises `ReadError`
    where neither can be read.
    """
    found: list[Problem] = []
    errors: list[ReadError] = []
    for read in (_log_group, container_output):
        try:
            found += islice(read(deployment, since, FILTER_PATTERN), _MAX_LINES)
        except ReadError as error:
            errors.append(error)
    if len(errors) > 1:
        raise errors[0]
    return sorted(found, key=lambda each: each.timestamp)


def _log_group(deployment: Deployment, since: float, pattern: str) -> Iterator[Problem]:
    group = deployment.outputs.get(Output.LOG_GROUP, "")
    for line in newest_lines(deployment, int(since * 1000), pattern):
        # Only what the package itself logs: an application's own text proves nothing.
        if str(line["fields"].get(LOGGER_FIELD, "")).startswith(_OWN_LOGGERS):
            yield _problem(line, group)


def container_output(deployment: Deployment, since: float, pattern: str = "") -> Iterator[Problem]:
    """Yield the lines that the containers have printed since a time in seconds since the epoch. Raises `ReadError`.

    The groups are those of the task definition that the service runs.
    """
    for group in output_groups(deployment):
        with reading(f"The log group {group}", _REMEDY):
            pages = deployment.aws.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, filterPattern=pattern, startTime=int(since * 1000)
            )
            for page in pages:
                yield from (_problem(line_of(dict(event)), group) for event in page["events"])


def output_groups(deployment: Deployment) -> list[str]:
    """Return the log groups of the containers' output. Raises `ReadError`."""
    options = [each.get("logConfiguration", {}).get("options", {}) for each in containers(deployment)]
    return list(dict.fromkeys(each["awslogs-group"] for each in options if "awslogs-group" in each))


def containers(deployment: Deployment) -> list[Json]:
    """Return the container definitions of the task definition that the service runs. Raises `ReadError`."""
    outputs, ecs = deployment.outputs, deployment.aws.ecs
    with reading("The task definition", _REMEDY):
        arn = outputs.get(Output.TASK_DEFINITION, "")
        if Output.CLUSTER in outputs and Output.SERVICE in outputs:
            # After a rollback of ECS's own, the stack names a task definition that does not run.
            services = ecs.describe_services(cluster=outputs[Output.CLUSTER], services=[outputs[Output.SERVICE]])
            arn = next((each["taskDefinition"] for each in services["services"]), arn)
        definition = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    return [dict(each) for each in definition["containerDefinitions"]]


def _problem(line: Json, group: str) -> Problem:
    message = str(line["fields"].get("message", line["message"]))
    return Problem(timestamp=line["timestamp"], message=message, group=group, stream=line["stream"])


def _status(name: str, sink: Json) -> SinkStatus:
    detail = {key: value for key, value in sink.items() if key not in ("on", "because")}
    return SinkStatus(name=name, on=sink.get("on") is True, because=_text(sink.get("because")), detail=detail)


def _text(value: Any) -> str | None:  # noqa: ANN401 - as received
    return value if isinstance(value, str) else None
