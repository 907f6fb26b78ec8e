"""Read what code written for the X-Ray SDK left in the SDK's own segments and subsegments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from service.telemetry.export.safe_json import text
from service.telemetry.sinks.xray.cause import MAX_MESSAGE
from service.telemetry.sinks.xray.http import FLAGS
from service.telemetry.sinks.xray.limits import Document, short


@dataclass(slots=True)
class Held:
    """The parts of a document that an entity holds. Nobody changes them."""

    annotations: Document = field(default_factory=dict)
    metadata: Document = field(default_factory=dict)
    cause: Document | str | None = None
    blocks: Document = field(default_factory=dict)
    """The SDK's `http`, `aws` and `sql`."""
    flags: Document = field(default_factory=dict)

    def merged_into(self, document: Document) -> Document:
        """Return `document` with these parts; where both say something, the SDK's word holds."""
        made = {**document, **self.flags}
        for key, block in self.blocks.items():
            made[key] = {**made.get(key, {}), **block}
        if self.cause is not None:
            made["cause"] = self.cause
        return made


NOTHING_HELD = Held()


def held_by(entity: Any) -> Held:  # noqa: ANN401 - the SDK publishes no types
    """Return what `entity` holds; nothing where there is none."""
    if entity is None:
        return NOTHING_HELD
    # Not by its attributes: the flags are there only where they are set, and looking for what is not there is dear.
    own: dict[str, Any] = vars(entity)
    flags: Document = {name: True for name in _FLAGS if own.get(name)}
    namespace = own.get("namespace", "local")
    if namespace != "local":
        flags["namespace"] = str(namespace)
    return Held(
        annotations=dict(own["annotations"]),
        metadata={space: dict(values) for space, values in own["metadata"].items()},
        cause=_cause(own["cause"]) if own["cause"] else None,
        blocks={key: read(own[key]) for key, read in _BLOCKS.items() if own.get(key) and isinstance(own[key], dict)},
        flags=flags,
    )


def _http(block: Document) -> Document:
    request = {key: short(value) for key, value in block.get("request", {}).items()}
    return {**block, "request": request} if request else dict(block)


def _sql(block: Document) -> Document:
    return {key: short(value) if key == "user" else text(value) for key, value in block.items()}


_FLAGS = tuple(sorted(FLAGS))
_BLOCKS: dict[str, Callable[[Document], Document]] = {"http": _http, "aws": dict, "sql": _sql}


def _cause(cause: Any) -> Document | str | None:  # noqa: ANN401 - a dict, or the id of an exception recorded elsewhere
    if not isinstance(cause, dict):
        return str(cause)
    if not cause.get("exceptions"):
        return None
    return {**cause, "exceptions": [_throwable(each) for each in cause["exceptions"]]}


def _throwable(throwable: Any) -> Document:  # noqa: ANN401 - the SDK publishes no types
    made: Document = throwable.to_dict()
    return {**made, "message": text(made.get("message", ""))[:MAX_MESSAGE]}
