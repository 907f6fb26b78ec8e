"""Say what went wrong in the no-account mode, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MEND: Final = "Mend what its last lines say"
"""The remedy when only the program that failed knows more."""


class LocalError(Exception):
    """Something that a person can act on: `problem` names the thing and its value, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


class FailedStepError(LocalError):
    """A program that this started gave up; `lines` are the last it wrote, `log` holds the rest."""

    def __init__(self, problem: str, remedy: str, *, log: Path, lines: list[str]) -> None:
        super().__init__(problem, f"{remedy} (the whole log: {log})")
        self.lines = lines
