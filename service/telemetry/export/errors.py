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


class ItemError(Exception):
    """An item spoils the batch: the others can be sent without it."""


class EncodingError(ItemError):
    """An item of the batch cannot be encoded. Nothing was sent."""


class TooLargeError(EncodingError):
    """The encoded batch is longer than the sink accepts. Nothing was sent."""


class BadRequestError(ItemError, RejectedError):
    """The sink rejects the batch for its size, or for what an item holds (413, 400)."""


@contextmanager
def encoding() -> Iterator[None]:
    """Convert any exception of the block to an `EncodingError`. The block must not send anything."""
    try:
        yield
    except EncodingError:
        raise
    except Exception as error:
        raise EncodingError(f"cannot encode an item: {type(error).__name__}: {error}") from error
