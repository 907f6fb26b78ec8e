"""Name the ways in which a batch fails to reach its sink. Any other exception counts as the sink being unreachable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_MAX_RETRY_AFTER = 30.0


class RejectedError(Exception):
    """The sink rejects the batch: a retry would not help."""


class UnauthorizedError(RejectedError):
    """The sink rejects the credentials. The message ends with the remedy."""


class RetryAfterError(Exception):
    """The sink is overloaded or failing, and wants no request for `seconds`."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = min(seconds, _MAX_RETRY_AFTER)


class EncodingError(Exception):
    """An item of the batch cannot be encoded: the others can be sent without it."""


@contextmanager
def encoding() -> Iterator[None]:
    """Convert any exception of the block to an `EncodingError`. The block must not send anything."""
    try:
        yield
    except Exception as error:
        raise EncodingError(f"cannot encode an item: {type(error).__name__}: {error}") from error
