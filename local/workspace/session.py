"""The resources of one command: folders, recorded state, child processes and terminal output."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from infra import environment_names
from infra.application import Application, ApplicationError
from infra.names import Names
from local.workspace.folders import CHECKOUT, Folders
from local.workspace.interrupts import deferred_interrupts
from local.workspace.processes import GRACE_SECONDS, Supervisor, is_running
from local.workspace.report import Report
from local.workspace.state import Record, State
from operations.errors import OperatorError

ENVIRONMENT: Final = environment_names.LOCAL
"""The environment that is deployed into the emulator (infra/environments.py)."""


@dataclass(slots=True)
class Session:
    """One run of a command. `started` lists the processes that this run started, to stop them if it fails."""

    folders: Folders
    environ: Mapping[str, str]
    report: Report
    supervisor: Supervisor
    state: State
    selected: Application | None = None
    started: list[Record] = field(default_factory=list)

    @classmethod
    def fresh(cls, folders: Folders, environ: Mapping[str, str], report: Report) -> Session:
        """Start with an empty state, for a command that loads the state once it holds the lock."""
        return cls(folders, environ, report, Supervisor(folders, environ), State())

    @classmethod
    def open(cls, folders: Folders, environ: Mapping[str, str], report: Report) -> Session:
        """Load the state that an earlier command saved. Raises `OperatorError` when it is unreadable."""
        return cls(folders, environ, report, Supervisor(folders, environ), State.load(folders.state_file))

    @property
    def application(self) -> Application:
        """Return the application of this run. Raises `OperatorError` before one is selected."""
        if self.selected is None:
            raise OperatorError("No application is selected", "Start with make up")
        return self.selected

    @property
    def names(self) -> Names:
        """Return the names of the application's resources. Raises `OperatorError` for a bad name of the application."""
        try:
            return Names(self.application, ENVIRONMENT)
        except ApplicationError as error:
            raise OperatorError(str(error), "Correct it in the description") from error

    def save(self) -> None:
        """Write the state file."""
        self.state.save(self.folders.state_file)

    def start(
        self,
        role: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        cwd: Path = CHECKOUT,
        user: str | None = None,
    ) -> Record:
        """Start a process and record it at once, so that neither a crash nor Ctrl-C can orphan it."""
        with deferred_interrupts():
            record = self.supervisor.start(role, command, environment, cwd=cwd, user=user)
            self.started.append(record)
            self.state.processes.append(record)
            self.save()
        return record

    def rename(self, record: Record, role: str) -> None:
        """Give a running process another role, and its log that role's name: it goes on writing to the same file."""
        renamed = replace(record, role=role)
        for records in (self.started, self.state.processes):
            records[:] = [renamed if each == record else each for each in records]
        self.folders.log(record.role).replace(self.folders.log(role))
        self.save()

    def stop(self, records: Sequence[Record], grace: float = GRACE_SECONDS) -> list[Record]:
        """Stop processes and remove them from the state; return those that were still running.

        Each gets SIGKILL where SIGTERM does not end it within `grace` seconds.
        """
        stopped = self.supervisor.stop(records, grace)
        self.state.remove(records)
        self.save()
        return stopped

    def running(self, role: str, pid: int | None = None) -> Record | None:
        """Return the role's newest process, or that with `pid`, if it is running."""
        records = [each for each in self.state.processes if each.role == role and pid in (None, each.pid)]
        return records[-1] if records and is_running(records[-1]) else None
