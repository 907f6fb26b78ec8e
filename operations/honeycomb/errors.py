"""Say what keeps Honeycomb from being told, and what to do about it."""

from __future__ import annotations


class HoneycombError(Exception):
    """Something that a person can act on: `problem` names the thing and its value, `remedy` what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}.")
        self.problem = problem
        self.remedy = remedy


class NoKeyError(HoneycombError):
    """There is no key: nobody has asked for what needs one."""
