"""Read the fields that code written for the X-Ray SDK has set on the SDK's segments and subsegments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.redaction.limits import MAX_NAME
from flask_onetrace.telemetry.sinks.xray.cause import MAX_MESSAGE
from flask_onetrace.telemetry.sinks.xray.http import FLAGS
from flask_onetrace.telemetry.sinks.xray.limits import Document, short


@dataclass(slots=True)
class EntityFields:
    """The document fields that an entity sets. Do not change them."""

    annotations: Document = field(default_factory=dict)
    metadata: Document = field(default_factory=dict)
    cause: Document | str | None = None
    blocks: Document = field(default_factory=dict)
    """The SDK's `http`, `aws` and `sql`."""
    flags: Document = field(default_factory=dict)
    mirrored: frozenset[str] = frozenset()
    """The attributes of its span that repeat what it holds."""

    def apply_to(self, document: Document) -> Document:
        """Return `document` with these fields, which win over its own."""
        document = {**document, **self.flags}
        for key, block in self.blocks.items():
            document[key] = {**document.get(key, {}), **block}
        if self.cause is not None:
            document["cause"] = self.cause
        return document


NO_FIELDS = EntityFields()


def fields_of(entity: Any) -> EntityFields:  # noqa: ANN401 - the SDK publishes no types
    """Return the fields of a segment or subsegment."""
    # Its dict, not `getattr`: an unset flag is no attribute, and looking up a missing attribute is slow.
    attributes: dict[str, Any] = vars(entity)
    has_flags = not FLAGS.isdisjoint(attributes)
    flags: Document = {name: True for name in _FLAGS if attributes.get(name)} if has_flags else {}
    namespace = attributes.get("namespace", "local")
    if namespace != "local":
        flags["namespace"] = text(namespace)[:MAX_NAME]
    return EntityFields(
        annotations=attributes["annotations"],
        metadata=attributes["metadata"],
        cause=_cause(attributes["cause"]) if attributes["cause"] else None,
        blocks=_blocks(attributes) if attributes["http"] or attributes["aws"] or attributes.get("sql") else {},
        flags=flags,
        mirrored=attributes.get("mirrored", NO_FIELDS.mirrored),
    )


def _blocks(attributes: dict[str, Any]) -> Document:
    return {key: convert(attributes[key]) for key, convert in _BLOCKS.items() if attributes.get(key)}


def _http(block: Document) -> Document:
    request = block.get("request")
    if not isinstance(request, dict):
        return {key: value for key, value in block.items() if key == "response" and isinstance(value, dict)}
    return {**block, "request": {key: short(value) for key, value in request.items()}}


def _aws(block: Document) -> Document:
    """Return the block without the key of an object in S3, which often names a person."""
    return {key: value for key, value in block.items() if key != "key"}


def _sql(block: Document) -> Document:
    return {key: short(value) if key == "user" else text(value) for key, value in block.items()}


_FLAGS = tuple(sorted(FLAGS))
_BLOCKS: dict[str, Callable[[Document], Document]] = {"http": _http, "aws": _aws, "sql": _sql}


def _cause(cause: Document | str) -> Document | str | None:
    if not isinstance(cause, dict):
        return cause
    exceptions = cause.get("exceptions")
    if not isinstance(exceptions, list):
        return None
    return {**cause, "exceptions": [_throwable(each) for each in exceptions if isinstance(each, dict)]}


def _throwable(throwable: Document) -> Document:
    return {**throwable, "message": str(throwable.get("message", ""))[:MAX_MESSAGE]}
