"""Name the ways in which a batch fails to reach its sink. Any other exception counts as the sink being unreachable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from flask_onetrace.telemetry.plain import ends_process, text, type_name

T = TypeVar("T")
E = TypeVar("E")

_MAX_RETRY_AFTER = 30.0


class RejectedError(Exception):
    """The sink rejects the batch: a retry would not help."""


class UnauthorizedError(RejectedError):
    """The sink rejects the credentials. The message ends with the remedy."""


class PartialSuccessError(Exception):
    """The sink has the batch but for `count` of its items, as the message says."""

    def __init__(self, count: int, message: str) -> None:
        super().__init__(message)
        self.count = count


class RetryAfterError(Exception):
    """The sink is overloaded or failing, and wants no request for `seconds`."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = min(seconds, _MAX_RETRY_AFTER)


class ServerError(RetryAfterError):
    """The sink failed at this request (500, 408): overloaded, or because of an item. Not to be retried for ever."""


class ItemError(Exception):
    """An item spoils the batch: the others can be sent without it."""


class SplitError(ItemError, Generic[T]):
    """The items cannot be sent together, but in `parts`. Nothing was sent."""

    def __init__(self, parts: Sequence[list[T]]) -> None:
        super().__init__(f"a batch is to be sent in {len(parts)} parts")
        self.parts = parts


class EncodingError(ItemError):
    """An item of the batch cannot be encoded. Nothing was sent."""


class TooLargeError(EncodingError):
    """The encoded batch is longer than the sink accepts. Nothing was sent."""


class BadRequestError(ItemError, RejectedError):
    """The sink rejects the batch for its size, or for what an item holds (413, 400), or keeps failing at it (500)."""


@contextmanager
def encoding() -> Iterator[None]:
    """Convert any exception of the block to an `EncodingError`. The block must not send anything."""
    try:
        yield
    except ItemError:
        raise
    except BaseException as error:
        if ends_process(error):
            raise
        raise EncodingError(encoding_reason(error)) from error


def encode_each(
    chunks: Callable[[], Iterable[Sequence[T]]], encode: Callable[[T], E], failures: list[BaseException]
) -> tuple[Sequence[T], list[E]]:
    """Return the items of `chunks()` that can be encoded, and their encodings; append why others cannot to `failures`.

    Items are plain data when they are queued, so that each can be: this is the last net, for each by itself.
    """
    items: list[T] = []
    encoded: list[E] = []
    for chunk in chunks():
        for item in chunk:
            try:
                encoded.append(encode(item))
                items.append(item)
            except BaseException as error:  # noqa: BLE001 - whatever it is, it costs this item alone
                failures.append(error)
    return items, encoded


def encoding_reason(error: BaseException) -> str:
    """Return why an item is dropped that cannot be encoded."""
    return f"cannot encode an item: {type_name(error)}: {text(error)}"
