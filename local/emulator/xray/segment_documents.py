"""Validate segment documents as X-Ray does, and compile the documents of a trace into its segments.

Source: X-Ray developer guide, "X-Ray segment documents".
"""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from local.emulator.json_api import Json

MAX_DOCUMENT_BYTES: Final = 64 * 1024
MAX_TRACE_AGE: Final = 30 * 24 * 3600
"""Seconds: documents of older traces are rejected."""
MAX_DEPTH: Final = 200
"""Levels of JSON in a document."""
MAX_EMBEDDED: Final = 50
"""Levels of subsegments: those below are returned beside their segment."""
YEAR_10000: Final = 253_402_300_800
"""In seconds since the epoch: the last date that clients can represent is before it."""
MAX_CLOCK_SKEW: Final = 300
"""Seconds that a trace id's timestamp may lie in the future."""

TRACE_ID: Final = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
_ID: Final = re.compile(r"[0-9a-f]{16}")
_NAME: Final = re.compile(r"[\w\s.:/%&#=+\\\-@,]{1,200}")
"""The characters of the guide, and the comma, which the service accepts as well."""


class InvalidDocumentError(ValueError):
    """A document that X-Ray would leave unprocessed, with X-Ray's error code."""

    def __init__(self, code: str, *, segment_id: str | None, kind: str, cause: str) -> None:
        super().__init__(f"Invalid {kind}. ErrorCode: {code}, Cause: {cause}")
        self.code = code
        self.segment_id = segment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An accepted segment document; `text` is the JSON as sent."""

    trace_id: str
    id: str
    in_progress: bool
    text: str

    def load(self) -> Json:
        """Return the document as a new object."""
        document: Json = json.loads(self.text)
        return document


def parse(text: str) -> Document:
    """Validate a document. Raises `InvalidDocumentError`."""
    document = _load(text)
    segment_id = document.get("id") if isinstance(document.get("id"), str) else None
    kind = "subsegment" if document.get("type") == "subsegment" else "segment"
    for code, cause in _errors(document):
        raise InvalidDocumentError(code, segment_id=segment_id, kind=kind, cause=cause)
    in_progress = document.get("in_progress") is True
    return Document(trace_id=document["trace_id"], id=document["id"], in_progress=in_progress, text=text)


def _load(text: str) -> Json:
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_DOCUMENT_BYTES:
        cause = f"{size} bytes; {MAX_DOCUMENT_BYTES} are allowed"
        raise InvalidDocumentError("SegmentTooLarge", segment_id=None, kind="segment", cause=cause)
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidDocumentError("ParseError", segment_id=None, kind="segment", cause=str(error)) from None
    if not isinstance(document, dict):
        raise InvalidDocumentError("ParseError", segment_id=None, kind="segment", cause="not a JSON object")
    if _is_too_deep(document):
        cause = f"nested more than {MAX_DEPTH} levels"
        raise InvalidDocumentError("ParseError", segment_id=None, kind="segment", cause=cause)
    return document


def _is_too_deep(document: Json) -> bool:
    level: list[object] = [document]
    for _ in range(MAX_DEPTH):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return False
    return True


def _errors(document: Json) -> Iterator[tuple[str, str]]:
    for field, code in (("trace_id", "TraceId"), ("id", "Id"), ("name", "Name"), ("start_time", "StartTime")):
        if document.get(field) is None:
            yield f"Missing{code}", f"{field} is missing"
    yield from _format_errors(document)
    if document.get("end_time") is None and document.get("in_progress") is not True:
        yield "MissingEndTime", "neither end_time nor in_progress: true"
    if document.get("type") == "subsegment" and document.get("parent_id") is None:
        yield "MissingParentId", "an independent subsegment needs parent_id"


def _format_errors(document: Json) -> Iterator[tuple[str, str]]:
    trace_id = document["trace_id"]
    match = TRACE_ID.fullmatch(trace_id) if isinstance(trace_id, str) else None
    if match is None:
        yield "InvalidTraceId", f"trace_id {trace_id!r} is not 1-<8 hexadecimal digits>-<24 hexadecimal digits>"
    elif not -MAX_CLOCK_SKEW <= time.time() - int(match[1], 16) <= MAX_TRACE_AGE:
        yield "InvalidTraceId", f"the time in trace_id {trace_id!r} is not within the last 30 days"
    for field, code in (("id", "Id"), ("parent_id", "ParentId")):
        value = document.get(field)
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            yield f"Invalid{code}", f"{field} {value!r} is not 16 hexadecimal digits"
    if not (isinstance(document["name"], str) and _NAME.fullmatch(document["name"])):
        yield "InvalidName", f"name {document['name']!r}"
    for field, code in (("start_time", "StartTime"), ("end_time", "EndTime")):
        value = document.get(field)
        if value is not None and not is_time(value):
            yield f"Invalid{code}", f"{field} {str(value)[:40]!r} is not a number of seconds since the epoch"


def is_time(value: object) -> bool:
    """Return whether the value is a time in seconds since the epoch that clients have a date for."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < YEAR_10000


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def walk(document: Json) -> Iterator[Json]:
    """Yield the segment and each of its subsegments, parents first."""
    pending = [document]
    while pending:
        node = pending.pop()
        yield node
        pending += children_of(node)


def compile_segments(documents: Iterable[Document]) -> list[Json]:
    """Return the segments of one trace, with independently sent subsegments embedded in their parents.

    A subsegment whose parent has not arrived is returned beside the segments.
    """
    roots: list[Json] = []
    nodes: dict[str, Json] = {}
    independent: list[Json] = []
    for document in documents:
        node = document.load()
        (independent if node.get("type") == "subsegment" else roots).append(node)
    for root in [*roots, *independent]:
        for node in walk(root):
            nodes.setdefault(str(node.get("id")), node)
    for node in independent:
        embedded = nodes[node["id"]]
        if embedded is not node:
            _replace(embedded, node)
            continue
        parent = nodes.get(node["parent_id"])
        if parent is None or any(descendant is parent for descendant in walk(node)):
            roots.append(node)
        else:
            parent["subsegments"] = [*children_of(parent), node]
    return roots + _detach(roots, {id(each) for each in independent})


def _detach(roots: Iterable[Json], independent: Container[int]) -> list[Json]:
    """Take the independent subsegments that are embedded too deeply out of their parents, and return them."""
    detached: list[Json] = []
    pending = [(root, 0) for root in roots]
    while pending:
        node, depth = pending.pop()
        children = children_of(node)
        deep = [each for each in children if depth >= MAX_EMBEDDED and id(each) in independent]
        if deep:
            children = node["subsegments"] = [each for each in children if id(each) not in independent]
        detached += deep
        pending += [*((each, depth + 1) for each in children), *((each, 0) for each in deep)]
    return detached


def children_of(node: Json) -> list[Json]:
    """Return the subsegments of a segment, or of a subsegment."""
    children = node.get("subsegments")
    return [each for each in children if isinstance(each, dict)] if isinstance(children, list) else []


def _replace(embedded: Json, later: Json) -> None:
    """Replace an embedded subsegment in progress by its independently sent document; keep a complete one."""
    if embedded.get("in_progress") is True:
        children = embedded.get("subsegments")
        embedded.clear()
        embedded.update(copy.copy(later))
        if children and "subsegments" not in later:
            embedded["subsegments"] = children
