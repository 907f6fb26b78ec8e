"""Read the trace context that a message carries: headers, or the attributes of an SQS message."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from opentelemetry.context import Context

from flask_onetrace.telemetry.context.propagation import ENVIRON_NAMES, XRAY_HEADER, with_parent

_ENVIRON: Final = {
    **{header.lower(): name for header, name in ENVIRON_NAMES.items()},
    # "Message system attributes" (Amazon SQS Developer Guide); SQS sets it to the X-Ray header of `SendMessage`.
    "awstraceheader": ENVIRON_NAMES[XRAY_HEADER],
}
_CONTAINERS: Final = ("messageattributes", "attributes", "headers")
_VALUES: Final = ("StringValue", "stringValue", "BinaryValue", "binaryValue")
"""How SQS and Lambda name the text of a message attribute."""


def message_context(message: object, context: Context) -> Context:
    """Return `context` with the span that `message` was sent in as the current one; itself if it carries none.

    A mapping of headers, or an SQS message as `receive_message` returns it or as Lambda's event has it. Never raises.
    """
    try:
        return with_parent(dict(_trace_headers(message)), context)
    except Exception:  # noqa: BLE001 - any object may be a message
        return context


def _trace_headers(message: object) -> Iterator[tuple[str, str]]:
    """Yield WSGI header names and values; later ones win, so the outermost come last."""
    if isinstance(message, list | tuple):  # pairs, as Kafka has headers
        message = dict(message)
    if not isinstance(message, Mapping):
        return
    own: dict[str, str] = {}
    for name, value in message.items():
        key = (name.decode("ascii", "replace") if isinstance(name, bytes) else str(name)).lower()
        if key in _CONTAINERS:
            yield from _trace_headers(value)
        elif key in _ENVIRON and (text := _text(value)) is not None:
            own[_ENVIRON[key]] = text
    yield from own.items()


def _text(value: Any) -> str | None:  # noqa: ANN401 - any value of a header
    if isinstance(value, Mapping):
        value = next((value[name] for name in _VALUES if name in value), None)
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None
