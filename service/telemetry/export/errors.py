"""Name the ways in which a batch fails to reach its sink. Whatever else is raised counts as the sink being away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_ASKED_FOR = 30.0


class PermanentError(Exception):
    """The sink refuses the batch for good: sending it again would not help."""


class UnauthorizedError(PermanentError):
    """The sink refuses whatever comes with these credentials. The message is the remedy."""


class BusyError(Exception):
    """The sink asks to be left alone for `seconds`."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = min(seconds, _LONGEST_ASKED_FOR)


class UnwritableError(Exception):
    """Something in the batch cannot be written as its sink wants it: what else is in it can be sent without."""


@contextmanager
def writing() -> Iterator[None]:
    """Raise whatever is raised within as an `UnwritableError` that names it. Nothing may be sent within."""
    try:
        yield
    except Exception as error:
        raise UnwritableError(f"an item cannot be written: {type(error).__name__}: {error}") from error
