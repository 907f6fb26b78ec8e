"""Report a problem that the person at the terminal can fix."""

from __future__ import annotations

import os
from functools import lru_cache

from flask_onetrace.credentials import credentials_of
from flask_onetrace.masking import MASK
from infra.application import ApplicationError

_MIN_CREDENTIAL = 4
"""Characters. A shorter one would be found in every text."""


class OperatorError(Exception):
    """An error with a remedy: `problem` names the thing and its value, `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}")
        self.problem = problem
        self.remedy = remedy


class MissingKeyError(OperatorError):
    """Neither the environment variable nor its Secrets Manager entry holds a key: that product is not in use."""


def operator_error(error: ApplicationError) -> OperatorError:
    """Return the error of a description as one of a command, whose remedy is a sentence."""
    return OperatorError(error.problem, f"{error.remedy[:1].upper()}{error.remedy[1:]}")


def without_credentials(error: object) -> str:
    """Return the message of `error` without the credentials that are in the environment.

    Of libraries' messages above all, which may quote a proxy's or an endpoint's URL.
    """
    message = str(error)
    for value in _credentials(tuple(os.environ.items())):
        message = message.replace(value, MASK)
    return message


@lru_cache(maxsize=1)
def _credentials(variables: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the credentials in environment variables, the longest first: found once for thousands of log lines."""
    values = {value for each in credentials_of(dict(variables)).values() for value in each}
    return sorted((each for each in values if len(each) >= _MIN_CREDENTIAL), key=len, reverse=True)
