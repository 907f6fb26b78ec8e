"""Hold what every command works with: the folders, the recorded state, the processes, the person's terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from local.workspace.folders import CHECKOUT, Folders
from local.workspace.interrupts import held_back
from local.workspace.processes import Supervisor, is_running
from local.workspace.report import Report
from local.workspace.state import Record, State


@dataclass(slots=True)
class Desk:
    """One command at work. `started` is what this very command started, to be stopped if it fails."""

    folders: Folders
    environ: Mapping[str, str]
    report: Report
    supervisor: Supervisor
    state: State
    started: list[Record] = field(default_factory=list)

    @classmethod
    def fresh(cls, folders: Folders, environ: Mapping[str, str], report: Report) -> Desk:
        """Know nothing yet: the command reads the state once it holds the lock."""
        return cls(folders, environ, report, Supervisor(folders, environ), State())

    @classmethod
    def open(cls, folders: Folders, environ: Mapping[str, str], report: Report) -> Desk:
        """Read what an earlier command recorded."""
        return cls(folders, environ, report, Supervisor(folders, environ), State.load(folders.state_file))

    def save(self) -> None:
        """Record the state."""
        self.state.save(self.folders.state_file)

    def start(
        self, role: str, command: Sequence[str], environment: Mapping[str, str], *, cwd: Path = CHECKOUT
    ) -> Record:
        """Start a process and record it at once, so that neither a crash nor Ctrl-C in the next moment loses it."""
        with held_back():
            record = self.supervisor.start(role, command, environment, cwd=cwd)
            self.started.append(record)
            self.state.processes.append(record)
            self.save()
        return record

    def stop(self, records: Sequence[Record]) -> list[Record]:
        """Stop processes and forget them; returns those that were still running."""
        stopped = self.supervisor.stop(records)
        self.state.forget(records)
        self.save()
        return stopped

    def running(self, role: str) -> Record | None:
        """Return the role's process when it runs."""
        record = self.state.of(role)
        return record if record is not None and is_running(record) else None
