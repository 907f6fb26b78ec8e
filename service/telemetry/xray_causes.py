"""Write exceptions as X-Ray's `cause` objects ("Segment errors and exceptions", AWS X-Ray segment documents)."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from service.telemetry.ids import span_context, span_hex

_MAX_FRAMES = 32
_MAX_CHAIN = 8
_MAX_MESSAGE = 2_000
_FRAME = re.compile(r'  File "(.+)", line (\d+), in (.+)')


def cause_of_error(error: BaseException, span: ReadableSpan) -> dict[str, Any]:
    """Return the cause for an exception that left the handler, with what it was raised from."""
    chain = list(_chain(error))
    ids = [_exception_id(span, number) for number in range(len(chain) + 1)]
    exceptions = [
        _exception(each, ids[number], ids[number + 1] if number + 1 < len(chain) else None)
        for number, each in enumerate(chain)
    ]
    return _cause(exceptions)


def cause_of_events(span: ReadableSpan) -> dict[str, Any] | None:
    """Return the cause for the exceptions that were recorded on `span`, or None where none was."""
    recorded = [event.attributes or {} for event in span.events if event.name == "exception"]
    if not recorded:
        return None
    return _cause([_from_event(each, _exception_id(span, number)) for number, each in enumerate(recorded)])


def _cause(exceptions: list[dict[str, Any]]) -> dict[str, Any]:
    return {"working_directory": os.getcwd(), "exceptions": exceptions}  # noqa: PTH109 - a string is wanted


def _exception_id(span: ReadableSpan, number: int) -> str:
    """Return an id that is unique within the trace: no other span's, as ids are random."""
    return span_hex((span_context(span).span_id + number) % 2**64)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _MAX_CHAIN:
        seen.add(id(current))
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _exception(error: BaseException, exception_id: str, cause: str | None) -> dict[str, Any]:
    frames = [
        {"path": frame.filename, "line": frame.lineno or 0, "label": frame.name}
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    made = {"id": exception_id, "type": type(error).__name__, "message": _message(error), **_stack(frames)}
    return made | ({"cause": cause} if cause is not None else {})


def _message(error: BaseException) -> str:
    try:
        return str(error)[:_MAX_MESSAGE]
    except Exception:  # noqa: BLE001 - an exception's own __str__ may raise anything
        return ""


def _from_event(attributes: Mapping[str, Any], exception_id: str) -> dict[str, Any]:
    found = _FRAME.findall(str(attributes.get("exception.stacktrace", "")))
    frames = [{"path": path, "line": int(line), "label": label} for path, line, label in reversed(found)]
    return {
        "id": exception_id,
        "type": str(attributes.get("exception.type", "Exception")).rpartition(".")[2],
        "message": str(attributes.get("exception.message", ""))[:_MAX_MESSAGE],
        **_stack(frames),
    }


def _stack(frames: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the innermost frames first, and how many more there were."""
    left_out = len(frames) - _MAX_FRAMES
    made: dict[str, Any] = {"stack": list(frames[:_MAX_FRAMES])} if frames else {}
    return made | ({"truncated": left_out} if left_out > 0 else {})
