"""Convert exceptions to X-Ray's `cause` objects ("Segment errors and exceptions", AWS X-Ray segment documents)."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from traceback import TracebackException
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan

from flask_onetrace.telemetry import ids
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.spans.exceptions import ExceptionEvent, snapshot_type_name

MAX_MESSAGE = 2_000
_MAX_FRAMES = 32
_MAX_CHAIN = 8
MAX_PARTS = 16
"""Exceptions of groups."""
_FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
_LINK = re.compile(
    r"\n\n(?:The above exception was the direct cause of the following exception"
    r"|During handling of the above exception, another exception occurred):\n\n"
)


def cause_of_error(error: TracebackException) -> dict[str, Any]:
    """Return the cause for an exception that left the handler, with its chain of exceptions and the parts of groups."""
    chain = list(_chain(error))
    cause = _cause([_exception(each) for each in chain])
    parts = list(itertools.islice(_parts(chain), MAX_PARTS))
    return {**cause, "exceptions": [*cause["exceptions"], *map(_part, parts)]} if parts else cause


def cause_of_events(span: ReadableSpan) -> dict[str, Any] | None:
    """Return the cause for the last exception recorded on `span`, or None without one."""
    exceptions = [event for event in span.events if event.name == "exception"]
    if not exceptions:
        return None
    last = exceptions[-1]
    if isinstance(last, ExceptionEvent):
        return cause_of_error(last.snapshot.exception)
    return _cause(_from_event(last.attributes or {}))


def _cause(exceptions: list[dict[str, Any]]) -> dict[str, Any]:
    """Give each exception an id: the exception before it refers to it as its cause."""
    for each in exceptions:
        each["id"] = ids.span_hex(ids.new_span_id())
    for outer, inner in itertools.pairwise(exceptions):
        outer["cause"] = inner["id"]
    return {**_working_directory(), "exceptions": exceptions}


def _working_directory() -> dict[str, str]:
    try:
        return {"working_directory": os.getcwd()}  # noqa: PTH109 - the document takes a string
    except OSError:  # it was deleted
        return {}


def _chain(error: TracebackException) -> Iterator[TracebackException]:
    current: TracebackException | None = error
    for _ in range(_MAX_CHAIN):
        if current is None:
            return
        yield current
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)


def _parts(chain: Iterable[TracebackException]) -> Iterator[TracebackException]:
    """Yield the exceptions of the groups in `chain`, and of the groups within those."""
    for each in chain:
        for part in each.exceptions or ():
            yield part
            yield from _parts((part,))


def _part(error: TracebackException) -> dict[str, Any]:
    """Return one exception of a group: an exception's `cause` in a document is a single one, which a group has not."""
    return {"id": ids.span_hex(ids.new_span_id()), **_exception(error)}


def _exception(error: TracebackException) -> dict[str, Any]:
    frames = [
        {"path": text(frame.filename), "line": frame.lineno or 0, "label": text(frame.name)}
        for frame in reversed(error.stack)
    ]
    return {
        "type": snapshot_type_name(error),
        "message": text(error)[:MAX_MESSAGE],
        **_stack(frames),
    }


def _from_event(attributes: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the exception of an event, and the exceptions that its traceback chains it to."""
    *earlier, own = _LINK.split(str(attributes.get("exception.stacktrace", "")))
    exception = {
        "type": str(attributes.get("exception.type", "Exception")).rpartition(".")[2],
        "message": text(attributes.get("exception.message", ""))[:MAX_MESSAGE],
        **_stack_in(own),
    }
    return [exception, *(_from_text(each) for each in reversed(earlier[1 - _MAX_CHAIN :]))]


def _from_text(formatted: str) -> dict[str, Any]:
    """Parse one exception of a formatted chain: the line `type: message` follows its frames."""
    last_line = re.split(r"\n(?=\S)", formatted.strip())[-1]
    kind, _, message = last_line.partition(": ")
    return {"type": text(kind.rpartition(".")[2]), "message": text(message)[:MAX_MESSAGE], **_stack_in(formatted)}


def _stack_in(formatted: str) -> dict[str, Any]:
    frames = [{"path": path, "line": int(line), "label": label} for path, line, label in _FRAME.findall(formatted)]
    return _stack(frames[::-1])


def _stack(frames: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return at most 32 frames, and the number of further ones."""
    excess = len(frames) - _MAX_FRAMES
    stack: dict[str, Any] = {"stack": list(frames[:_MAX_FRAMES])} if frames else {}
    return stack | ({"truncated": excess} if excess > 0 else {})
