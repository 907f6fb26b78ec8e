"""Write exceptions as X-Ray's `cause` objects ("Segment errors and exceptions", AWS X-Ray segment documents)."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from traceback import TracebackException
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from service.telemetry import ids
from service.telemetry.export.safe_json import text

MAX_MESSAGE = 2_000
_MAX_FRAMES = 32
_MAX_CHAIN = 8
_FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
_LINK = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n\n"
)


def cause_of_error(error: TracebackException) -> dict[str, Any]:
    """Return the cause for an exception that left the handler, with what it was raised from."""
    return _cause([_exception(each) for each in _chain(error)])


def cause_of_events(span: ReadableSpan) -> dict[str, Any] | None:
    """Return the cause for the exception that was recorded on `span` last, or None where none was."""
    recorded = [event.attributes or {} for event in span.events if event.name == "exception"]
    return _cause(_from_event(recorded[-1])) if recorded else None


def _cause(exceptions: list[dict[str, Any]]) -> dict[str, Any]:
    """Give each exception an id, by which the one before it names it as what it was raised from."""
    for each in exceptions:
        each["id"] = ids.span_hex(ids.new_span_id())
    for outer, inner in itertools.pairwise(exceptions):
        outer["cause"] = inner["id"]
    return {**_working_directory(), "exceptions": exceptions}


def _working_directory() -> dict[str, str]:
    try:
        return {"working_directory": os.getcwd()}  # noqa: PTH109 - a string is wanted
    except OSError:  # it was deleted
        return {}


def _chain(error: TracebackException) -> Iterator[TracebackException]:
    current: TracebackException | None = error
    for _ in range(_MAX_CHAIN):
        if current is None:
            return
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _exception(error: TracebackException) -> dict[str, Any]:
    frames = [
        {"path": text(frame.filename), "line": frame.lineno or 0, "label": text(frame.name)}
        for frame in reversed(error.stack)
    ]
    return {
        "type": getattr(error.exc_type, "__name__", "Exception"),
        "message": text(error)[:MAX_MESSAGE],
        **_stack(frames),
    }


def _from_event(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the recorded exception, and what its traceback says that it was raised from."""
    *earlier, own = _LINK.split(str(attributes.get("exception.stacktrace", "")))
    recorded = {
        "type": str(attributes.get("exception.type", "Exception")).rpartition(".")[2],
        "message": text(attributes.get("exception.message", ""))[:MAX_MESSAGE],
        **_stack_in(own),
    }
    return [recorded, *(_from_text(each) for each in reversed(earlier[1 - _MAX_CHAIN :]))]


def _from_text(printed: str) -> dict[str, Any]:
    """Read one exception of a printed chain: after its frames stands the line `type: message`."""
    said = re.split(r"\n(?=\S)", printed.strip())[-1]
    kind, _, message = said.partition(": ")
    return {"type": text(kind.rpartition(".")[2]), "message": text(message)[:MAX_MESSAGE], **_stack_in(printed)}


def _stack_in(printed: str) -> dict[str, Any]:
    frames = [{"path": path, "line": int(line), "label": label} for path, line, label in _FRAME.findall(printed)]
    return _stack(frames[::-1])


def _stack(frames: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the innermost frames first, and how many more there were."""
    left_out = len(frames) - _MAX_FRAMES
    made: dict[str, Any] = {"stack": list(frames[:_MAX_FRAMES])} if frames else {}
    return made | ({"truncated": left_out} if left_out > 0 else {})
