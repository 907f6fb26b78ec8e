"""Report a step of a local command that failed, with the last lines of its log."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from operations.errors import OperatorError

FIX_LAST_LINES: Final = "Fix the error in the lines above"
"""The remedy when only the failed program knows more."""


class FailedStepError(OperatorError):
    """A child process failed, or a container; `lines` are the end of its log, which is a file if `log` names it."""

    def __init__(self, problem: str, remedy: str, *, log: Path | None, lines: list[str]) -> None:
        super().__init__(problem, remedy if log is None else f"{remedy} (full log: {log})")
        self.log = log
        self.lines = lines

    def with_remedy(self, remedy: str, lines: list[str]) -> FailedStepError:
        """Return the error with another remedy and other lines of the log."""
        return FailedStepError(self.problem, remedy, log=self.log, lines=lines)
