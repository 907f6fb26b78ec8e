"""Write down why a deploy failed: what failed first, what ECS and the containers said about it, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from infra.names import Names
from operations.deploy.causes import Cause, cause_of_container, cause_of_task
from operations.deploy.observations import Observations
from operations.deploy.plain_text import clock_time, one_line
from operations.deploy.reader import Reader
from operations.deploy.services import COMPLETED, ServiceEvent
from operations.deploy.stacks import FailedResource, Stack, recovery
from operations.deploy.stopped_tasks import VOLATILE_IDS, Container, StoppedTask, grouped

HEADLINE: Final = "Likely cause"
MAX_RESOURCES: Final = 5
MAX_EVENTS: Final = 12
MAX_GROUPS: Final = 4


class Findings(NamedTuple):
    """All that is known of a failed deploy."""

    names: Names
    since: datetime
    resources: list[FailedResource]
    observations: Observations
    stacks: list[Stack]
    reader: Reader


def explanation(findings: Findings) -> list[str]:
    """Return the lines of the explanation, without what to do. Never raises: it leaves out what it cannot tell."""
    sections: dict[str, Callable[[Findings], Iterator[str]]] = {
        HEADLINE: _headline,
        "Failed resources, the first failure first": _resources,
        "Deployments of the service": _deployments,
        "Tasks that stopped": _tasks,
        "Events of the service": _events,
        "Alarms of the deployment": _alarms,
        "Could not be read": _problems,
    }
    lines: list[str] = []
    for title, section in sections.items():
        section_lines = findings.reader.protect(title, partial(_listed, section, findings), list[str]())
        lines += ["", title, *_indented(section_lines)] if section_lines and title != HEADLINE else section_lines
    return lines


def _listed(section: Callable[[Findings], Iterator[str]], findings: Findings) -> list[str]:
    return list(section(findings))


def advice(findings: Findings) -> list[str]:
    """Return what to do: about the likeliest cause, then about each stack."""
    cause = findings.reader.protect("the likely cause", lambda: _likely_cause(findings.observations), None)
    lines = [f"{cause.remedy}." if cause else _without_cause(findings)]
    for stack in findings.stacks:
        if steps := recovery(stack, findings.names):
            lines.append(f"The stack {stack.name} is in {stack.status}. {steps}")
        elif stack.status == "UPDATE_ROLLBACK_COMPLETE":
            lines.append(f"The stack {stack.name} is rolled back to what it was before this deploy.")
        elif stack.status == "ROLLBACK_COMPLETE":
            lines.append(f"The first deploy of {stack.name} is rolled back: the next make deploy creates it anew.")
    return [line for text in lines for line in text.splitlines()]


def _without_cause(findings: Findings) -> str:
    if findings.observations.alarms:
        return "The description of the alarm in CloudWatch names the saved query to look at first."
    if findings.resources:
        return "Correct what the first failed resource's reason names, and run make deploy again."
    return "Nothing failed in AWS since the start of this deploy: the lines of the CDK above say what went wrong."


def _likely_cause(observations: Observations) -> Cause | None:
    """Return why most of the tasks stopped."""
    causes = (cause_of_task(group[-1]) for group in grouped(observations.tasks.values()))
    return next(filter(None, causes), None)


def _headline(findings: Findings) -> Iterator[str]:
    if cause := _likely_cause(findings.observations):
        yield f"{HEADLINE}: {cause.meaning}"


def _problems(findings: Findings) -> Iterator[str]:
    return (f"{what}: {why}" for what, why in findings.reader.problems.items())


def _resources(findings: Findings) -> Iterator[str]:
    resources = findings.resources
    for each in resources[:MAX_RESOURCES]:
        kind = f" ({each.type})" if each.type else ""
        yield f"{clock_time(each.at)} {each.stack}: {one_line(each.logical_id)}{kind} {each.status}"
        yield f"  {one_line(each.reason)}"
    if len(resources) > MAX_RESOURCES:
        yield f"and {len(resources) - MAX_RESOURCES} more"


def _deployments(findings: Findings) -> Iterator[str]:
    observations = findings.observations
    deployments = observations.deployments.values()
    if all(each.rollout_state == COMPLETED for each in deployments):
        return
    for each in deployments:
        state = [each.rollout_state or each.status, *([one_line(each.reason)] if each.reason else [])]
        yield f"version {one_line(observations.version(each.task_definition))}: {', '.join(state)}"


def _tasks(findings: Findings) -> Iterator[str]:
    groups = grouped(findings.observations.tasks.values())
    for group in groups[:MAX_GROUPS]:
        yield from _group(group, findings.observations)
    if len(groups) > MAX_GROUPS:
        yield f"and {sum(map(len, groups[MAX_GROUPS:]))} more, for other reasons"


def _group(group: Sequence[StoppedTask], observations: Observations) -> Iterator[str]:
    task = group[-1]
    count = f"{len(group)} tasks, the last one" if len(group) > 1 else "1 task,"
    version = one_line(observations.version(task.task_definition))
    yield f"{count} {task.id} of version {version} at {clock_time(task.at)}"
    yield f"  {task.stop_code}: {one_line(task.reason)}" if task.stop_code else f"  {one_line(task.reason)}"
    cause = cause_of_task(task)
    causes = [cause_of_container(each, task) for each in task.containers]
    if cause and cause.meaning not in {each.meaning for each in causes if each}:
        yield f"  meaning: {cause.meaning}"
    for container, of_container in zip(task.containers, causes, strict=True):
        yield from _indented(_container(container, of_container))


def _container(container: Container, cause: Cause | None) -> Iterator[str]:
    code = "" if container.exit_code is None else f"exit code {container.exit_code}"
    details = filter(None, (code, one_line(container.reason), cause.meaning if cause else ""))
    if code or container.reason:
        yield f"{one_line(container.name)}: {': '.join(details)}"
    if container.output:
        yield f"the last lines of {one_line(container.name)}:"
        yield from (f"  > {line}" for line in container.output)


def _events(findings: Findings) -> Iterator[str]:
    """Yield the newest events; of those that differ only in ids, the last one with their number."""
    kinds: dict[str, list[ServiceEvent]] = {}
    for event in findings.observations.events.values():
        kinds.setdefault(VOLATILE_IDS.sub("", event.message), []).append(event)
    newest = sorted(kinds.values(), key=lambda each: each[-1].at)
    if len(newest) > MAX_EVENTS:
        yield f"{len(newest) - MAX_EVENTS} earlier ones"
    for each in newest[-MAX_EVENTS:]:
        times = f" ({len(each)} times)" if len(each) > 1 else ""
        yield f"{clock_time(each[-1].at)} {one_line(each[-1].message)}{times}"


def _alarms(findings: Findings) -> Iterator[str]:
    for each in findings.observations.alarms.values():
        is_older = each.since is not None and each.since < findings.since
        ignored = " before the deploy began, so that ECS ignored it" if is_older else ""
        yield f"{clock_time(each.since)} {one_line(each.name)} was in ALARM{ignored}"
        yield f"  {one_line(each.reason)}"


def _indented(lines: Iterator[str] | Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]
