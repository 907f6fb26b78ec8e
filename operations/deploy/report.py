"""Print how a deploy ended, and choose the exit status."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Final

from infra.names import Names
from operations.deploy import stacks
from operations.deploy.cdk_process import SIGNALLED, Finished
from operations.deploy.clients import Clients
from operations.deploy.explanation import Findings, advice, explanation
from operations.deploy.observations import Observer
from operations.deploy.plain_text import one_line
from operations.deploy.reader import Reader
from operations.deploy.rollout import Outcome, Rollout
from operations.deploy.stacks import FailedResource, Snapshot, Stack, recovery
from operations.selection import make_variables

CTRL_C: Final = SIGNALLED + 2
EXPIRED_CREDENTIALS: Final = (
    "The credentials have expired or were revoked during the deploy. CloudFormation continues in the background, and"
    " rolls back by itself if a resource fails.\nRenew them (aws sso login, or new keys in the environment) and run"
    " make deploy {variables} again: it says whether CloudFormation is still at work, and which version serves."
)


class Report:
    """Prints what the deploy's reader and observer have found. No method raises."""

    def __init__(self, clients: Clients, reader: Reader, observer: Observer, names: Names) -> None:
        self._clients = clients
        self._reader = reader
        self._observer = observer
        self._names = names
        self._environment = names.environment

    def failed(self, finished: Finished) -> int:
        """Explain why the CDK failed, or what continues after Ctrl-C; return its exit status."""
        title = f"Why the deploy of {self._environment} failed"
        explain = self._explain_interruption if finished.is_interrupted else lambda: self._explain(title, [])
        self._reader.protect("the explanation", explain, None)
        return finished.status

    def succeeded(self, rollout: Rollout) -> int:
        """Say which version serves; return 1 unless it is the deployed one, or cannot be known."""
        deployed, serving = self._reader.protect("the versions", lambda: self._versions(rollout), ("", ""))
        if rollout.outcome is Outcome.SERVES:
            sys.stdout.write(f"{self._environment} serves version {deployed} at {one_line(rollout.url)}\n")
            return 0
        if rollout.outcome is Outcome.UNKNOWN:
            _write(["warning: the CDK succeeded, but which version serves cannot be read:", *self._problems()])
            return 0
        title, lines = _title_and_advice(rollout, deployed, serving, self._names)
        self._reader.protect("the explanation", lambda: self._explain(title, lines), None)
        return 1

    def not_awaited(self) -> int:
        """Say what continues after Ctrl-C while ECS rolls out; return the shell's exit status for it."""
        _write(["Interrupted: ECS continues the rollout, and rolls back by itself if it fails."])
        return CTRL_C

    def _explain(self, title: str, first_advice: list[str]) -> None:
        self._observer.poll()
        self._reader.protect("the newest container output", self._observer.read_output_again, None)
        findings = self._findings()
        default_advice = [
            "Look at the stack's events in CloudFormation and at the service's events and stopped tasks in ECS."
        ]
        lines = [*first_advice, *self._reader.protect("what to do", lambda: advice(findings), default_advice)]
        if self._reader.credentials_expired:
            lines = EXPIRED_CREDENTIALS.format(variables=make_variables(self._names)).splitlines()
        _write(["", title, *explanation(findings), "", "What to do", *(f"  {line}" for line in lines)])

    def _findings(self) -> Findings:
        cloudformation, since = self._clients.cloudformation, self._observer.since
        none: list[FailedResource] = []
        resources = self._reader.read(
            "stack events", lambda: stacks.failed_resources(cloudformation, self._names, since), none
        )
        return Findings(self._names, since, resources, self._observer.observations, self._stacks(), self._reader)

    def _stacks(self) -> list[Stack]:
        cloudformation = self._clients.cloudformation
        none = Snapshot([], datetime.now(UTC))
        return self._reader.read("the stacks", lambda: stacks.snapshot(cloudformation, self._names), none).stacks

    def _explain_interruption(self) -> None:
        described = self._stacks()
        busy = [each for each in described if each.is_in_progress]
        lines = [
            f"Interrupted: CloudFormation continues with {each.name} ({each.status}) in the background."
            f"\n{recovery(each, self._names)}"
            for each in busy
        ]
        if self._reader.credentials_expired:
            lines = [EXPIRED_CREDENTIALS.format(variables=make_variables(self._names))]
        _write(["", *(lines or ["Interrupted: CloudFormation is not at work on any stack."])])

    def _versions(self, rollout: Rollout) -> tuple[str, str]:
        observations = self._observer.observations
        return one_line(observations.version(rollout.deployed)), one_line(observations.version(rollout.serving))

    def _problems(self) -> list[str]:
        problems = [f"  {what}: {why}" for what, why in self._reader.problems.items()]
        return problems or ["  the service or its stack outputs are missing"]


def _title_and_advice(rollout: Rollout, deployed: str, serving: str, names: Names) -> tuple[str, list[str]]:
    environment = names.environment
    again = (
        f"CloudFormation has {deployed} already: to deploy it again changes nothing. Deploy a corrected commit, or run"
        f" make roll-back {make_variables(names)} TO=…"
    )
    if rollout.outcome is Outcome.ROLLED_BACK:
        return f"ECS rolled the deploy of {environment} back: it serves {serving}, not {deployed}", [again]
    if rollout.outcome is Outcome.FAILED:
        return f"The deploy of {environment} failed in ECS when CloudFormation had finished: {deployed}", [again]
    wait = "ECS continues the rollout: look at the service's deployments in ECS, or run make deploy again later."
    return f"ECS has not finished the rollout of {deployed} in {environment}", [wait]


def _write(lines: list[str]) -> None:
    sys.stderr.write("".join(f"{line}\n" for line in lines))
    sys.stderr.flush()
