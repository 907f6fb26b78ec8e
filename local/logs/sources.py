"""Collect what is new in every source of the local deployment, whichever of them exist at the moment."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from botocore.exceptions import BotoCoreError

from flask_onetrace.contract import Output
from infra.names import Names
from local.application.selection import deployed_application
from local.backing_services import console, emulator, fakes, log_group, postgresql
from local.backing_services.emulated_aws import EmulatedAws
from local.backing_services.running import NotRunningError, running_aws
from local.logs.tails import Entry, FileTail, LogGroupTail
from local.service import revision, runner
from local.workspace.session import ENVIRONMENT, Session

RETRY_SECONDS: Final = 30.0
"""For which an emulator that does not respond is asked again: it may be starting, or busy."""
PROCESSES: Final = (emulator.ROLE, fakes.ROLE, console.ROLE, postgresql.ROLE, runner.ROLE, runner.CANDIDATE_ROLE)
DEPLOY: Final = "cdk-deploy"
"""Read while there is nothing else to show: the first deploy of containers takes minutes."""


@dataclass(slots=True)
class Sources:
    """The log files of the state folder, and the log groups of the emulator that is up."""

    session: Session
    files: dict[str, FileTail] = field(default_factory=dict)
    groups: dict[tuple[int, str], LogGroupTail] = field(default_factory=dict)
    """By the emulator's port and the group's name: what is started again has new ones."""
    output_groups: dict[str, list[str]] = field(default_factory=dict)
    """By task definition."""
    responded: float = field(default_factory=time.monotonic)

    def of_files(self) -> list[Entry]:
        """Return the new lines of the processes, and the log group's of an emulator that is stopped."""
        session = self.session
        roles = [*PROCESSES]
        if session.running(emulator.ROLE) is None:
            roles.append(log_group.ROLE)
        elif not session.state.outputs:
            roles.append(DEPLOY)
        for role in roles:
            source = None if role == log_group.ROLE else role
            self.files.setdefault(role, FileTail(session.folders.log(role), source))
        return [entry for role in roles for entry in self.files[role].new_entries()]

    def of_groups(self) -> list[Entry]:
        """Return the new events of the log groups.

        Raises `NotRunningError` without an emulator, or once it has not responded for `RETRY_SECONDS`.
        """
        aws = running_aws(self.session)
        try:
            entries = [entry for tail in self._tails(aws) for entry in tail.new_entries()]
        except BotoCoreError as error:
            if time.monotonic() - self.responded < RETRY_SECONDS:
                return []
            problem = f"The AWS emulator at {aws.endpoint} does not respond"
            raise NotRunningError(problem, "Run make down, then make up") from error
        self.responded = time.monotonic()
        return entries

    def _tails(self, aws: EmulatedAws) -> Iterator[LogGroupTail]:
        for name in self._application_groups():
            yield self.groups.setdefault((aws.port, name), LogGroupTail(aws.logs, name))
        if self.session.state.engine is not None:
            for name in self._output_groups(aws):
                yield self.groups.setdefault((aws.port, name), LogGroupTail(aws.logs, name, is_output=True))

    def _application_groups(self) -> list[str]:
        """Return the group of the application's lines; while it is deployed, by the name that it will have."""
        state = self.session.state
        if state.outputs:
            return [state.outputs[Output.LOG_GROUP]]
        if state.application is None:
            return []
        return [Names(deployed_application(state.application), ENVIRONMENT).log_group]

    def _output_groups(self, aws: EmulatedAws) -> set[str]:
        """Return the groups of the containers' output, also of task definitions that ran earlier."""
        for arn in aws.ecs.list_task_definitions(sort="DESC", maxResults=1)["taskDefinitionArns"]:
            if arn not in self.output_groups:
                self.output_groups[arn] = revision.output_groups(aws, arn)
        return {name for names in self.output_groups.values() for name in names}
