"""Ask an app, and look at the segment documents that it sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import Flask
from jsonschema import Draft4Validator

from tests.telemetry.backends import Document, Observatory, eventually

SCHEMA: Document = json.loads(
    (Path(__file__).parent / "schema" / "xray-segmentdocument-schema-v1.0.0.json").read_text(encoding="utf-8")
)
_SEGMENT = Draft4Validator(SCHEMA)
_SUBSEGMENT = Draft4Validator(
    {
        "allOf": [{"$ref": "#/definitions/subsegment"}],
        "required": ["trace_id", "parent_id", "type"],
        "properties": {"type": {"enum": ["subsegment"]}, "trace_id": SCHEMA["properties"]["trace_id"]},
        "definitions": SCHEMA["definitions"],
    }
)


def ask(app: Flask, path: str, status: int = 200, headers: dict[str, str] | None = None) -> str:
    """Return the trace id of one request."""
    with app.test_client().get(path, headers=headers, buffered=True) as response:
        assert response.status_code == status
        return response.headers["X-Trace-Id"]


def segment_of(observatory: Observatory, trace_id: str) -> Document:
    """Return the only document of the trace, valid."""
    [segment] = eventually(lambda: observatory.segments_of(trace_id), 1)
    check(segment)
    return segment


def check(document: Document) -> None:
    """Raise where AWS's schema has something against `document`, or where an id stands twice in it."""
    (_SUBSEGMENT if "type" in document else _SEGMENT).validate(document)
    ids = [node["id"] for node in walk([document])]
    assert len(ids) == len(set(ids))


def walk(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield every segment and subsegment."""
    waiting = list(documents)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += node.get("subsegments", ())


def parents(documents: Iterable[Document]) -> dict[str, str | None]:
    """Return each node's parent, as X-Ray reassembles a trace: by nesting, else by `parent_id`."""
    found: dict[str, str | None] = {}
    for node in walk(documents):
        found.setdefault(node["id"], node.get("parent_id"))
        found |= {child["id"]: node["id"] for child in node.get("subsegments", ())}
    return found
