"""Keep the system attributes of messages that are sent in a batch: ministack keeps those of single messages alone.

Source: SendMessageBatchRequestEntry, Amazon SQS API Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from ministack.services import sqs

from local.emulator.json_api import Json

_ATTRIBUTES: Final = "MessageSystemAttributes"
_entries: Final[ContextVar[Iterator[Json] | None]] = ContextVar("entries", default=None)
"""Those of the batch that is being sent, in the order in which ministack sends them."""


def install() -> None:
    """Wrap ministack's two ways to send."""
    send, send_batch = sqs._act_send_message, sqs._act_send_message_batch

    def send_with_attributes(data: Json, url: str) -> Json:
        if (entries := _entries.get()) is not None:
            data[_ATTRIBUTES] = next(entries).get(_ATTRIBUTES)
        result: Json = send(data, url)
        return result

    def send_batch_with_attributes(data: Json, url: str) -> Json:
        token = _entries.set(iter(data.get("Entries", [])))
        try:
            result: Json = send_batch(data, url)
        finally:
            _entries.reset(token)
        return result

    sqs._act_send_message = send_with_attributes
    sqs._HANDLERS.update(SendMessage=send_with_attributes, SendMessageBatch=send_batch_with_attributes)
