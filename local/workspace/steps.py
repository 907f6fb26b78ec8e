"""Run a program to its end as a step of a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.workspace.errors import FIX_LAST_LINES
from local.workspace.report import Step
from local.workspace.session import Session

POLL_SECONDS: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A command with its environment. `role` names its log; `title` begins the message of its failure."""

    role: str
    title: str
    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    seconds: float
    remedy: str = FIX_LAST_LINES
    user: str | None = None


def run(session: Session, program: Program, step: Step, progress: Callable[[Path], str] | None = None) -> None:
    """Wait until the program ends, showing what `progress` reads from its log. Raises `FailedStepError`."""
    log = session.folders.log(program.role)
    record = session.start(program.role, program.command, program.environment, cwd=program.cwd, user=program.user)
    deadline = time.monotonic() + program.seconds
    while session.supervisor.exit_code(record) is None and time.monotonic() < deadline:
        step.detail(progress(log) if progress is not None else last_line(log))
        time.sleep(POLL_SECONDS)
    code = session.supervisor.exit_code(record)
    session.stop([record])
    if code != 0:
        reason = f"exit {code}" if code is not None else f"timeout after {program.seconds:g} s"
        raise session.supervisor.failure(record, f"{program.title} failed ({reason})", program.remedy)


def last_line(log: Path) -> str:
    """Return the last line of a log that is not empty."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else ""
