"""Report a problem that the person at the terminal can fix."""

from __future__ import annotations


class OperatorError(Exception):
    """An error with a remedy: `problem` names the thing and its value, `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


class MissingKeyError(OperatorError):
    """Neither the environment variable nor its Secrets Manager entry holds a key: that product is not in use."""
