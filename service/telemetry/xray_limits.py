"""Keep segment documents within the API's bounds: a long one is split, never lost.

The bounds are those of "AWS X-Ray segment documents" and of the published segment document schema.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

MAX_DOCUMENT = 65_000
"""Bytes. X-Ray takes 64 KiB (65,536), a UDP datagram 65,507 with the daemon's header line in it."""
_MAX_NAME = 200
_MAX_TEXT = 250
_MAX_ANNOTATION = 1_000
_MAX_KEY = 500
_NAME_ALPHABET = frozenset("_.:/%&#=+\\-@ ")

Document = dict[str, Any]


def dumps(document: Document) -> bytes:
    """Return the document as JSON; what JSON has no word for is written as its `str`."""
    return orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_PASSTHROUGH_SUBCLASS)


def segment_name(text: str) -> str:
    """Return `text` as a segment name: what the API refuses is dropped, 200 characters are kept."""
    return "".join(each for each in text if each.isalnum() or each in _NAME_ALPHABET)[:_MAX_NAME] or "unnamed"


def short(text: object) -> str:
    """Return a field of the `http` block, or a user: 250 characters at most."""
    return str(text)[:_MAX_TEXT]


def annotation_block(values: Mapping[str, Any]) -> Document:
    """Return `values` as annotations: keys of letters, digits and underscores; text, numbers and booleans."""
    made: Document = {}
    for key, value in values.items():
        name = "".join(each if each.isascii() and each.isalnum() else "_" for each in key)[:_MAX_KEY]
        made[name] = value if isinstance(value, bool | int | float) else str(value)[:_MAX_ANNOTATION]
    return made


def split(document: Document) -> Iterator[bytes]:
    """Yield `document` as JSON; where it is too long, first without its subsegments and then each of them by itself.

    An independent subsegment names its trace and its parent, so that X-Ray puts it where it was.
    """
    whole = dumps(document)
    if len(whole) <= MAX_DOCUMENT:
        yield whole
        return
    inner = document.get("subsegments", ())
    yield _fitting({key: value for key, value in document.items() if key != "subsegments"})
    for each in inner:
        place = {"type": "subsegment", "trace_id": document["trace_id"], "parent_id": document["id"]}
        yield from split({**each, **place})


def _fitting(document: Document) -> bytes:
    """Return the JSON of one node without its bulky parts, one after the other until it fits."""
    made = dumps(document)
    for part in ("metadata", "cause", "sql", "annotations", "aws"):
        if len(made) <= MAX_DOCUMENT:
            break
        if part in document:
            left_out = {**document.get("metadata", {}), "telemetry": {"left_out": f"{part}: the document is too long"}}
            rest = {key: value for key, value in document.items() if key != part}
            document = {**rest, "metadata": left_out if part != "metadata" else {"telemetry": left_out["telemetry"]}}
            made = dumps(document)
    return made
