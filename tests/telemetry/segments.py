"""Send requests to an app; read and validate the segment documents that it exported."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from flask import Flask
from jsonschema import Draft4Validator

from tests.telemetry.backends import Document, FakeBackends, eventually

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


def get_trace_id(app: Flask, path: str, status: int = 200, headers: dict[str, str] | None = None) -> str:
    """Send a GET request that must have `status`; return its trace id."""
    with app.test_client().get(path, headers=headers, buffered=True) as response:
        assert response.status_code == status
        return response.headers["X-Trace-Id"]


def segment_of(backends: FakeBackends, trace_id: str) -> Document:
    """Return the only document of the trace, validated."""
    [segment] = eventually(lambda: backends.segments_of(trace_id), 1)
    validate(segment)
    return segment


def validate(document: Document) -> None:
    """Raise if `document` violates AWS's schema or contains an id twice."""
    (_SUBSEGMENT if "type" in document else _SEGMENT).validate(document)
    ids = [node["id"] for node in walk([document])]
    assert len(ids) == len(set(ids))


def walk(documents: Iterable[Document]) -> Iterator[Document]:
    """Yield every segment and subsegment."""
    stack = list(documents)
    while stack:
        node = stack.pop()
        yield node
        stack += node.get("subsegments", ())


def parents(documents: Iterable[Document]) -> dict[str, str | None]:
    """Return each node's parent, as X-Ray reassembles a trace: by nesting, else by `parent_id`."""
    parent_ids: dict[str, str | None] = {}
    for node in walk(documents):
        parent_ids.setdefault(node["id"], node.get("parent_id"))
        parent_ids |= {child["id"]: node["id"] for child in node.get("subsegments", ())}
    return parent_ids
