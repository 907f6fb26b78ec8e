"""Read what code written for the X-Ray SDK left in the SDK's own segments and subsegments."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from service.telemetry.any_json import text
from service.telemetry.xray_causes import MAX_MESSAGE
from service.telemetry.xray_http import FLAGS
from service.telemetry.xray_limits import Document, short


@dataclass(frozen=True, slots=True)
class Held:
    """The parts of a document that an entity holds."""

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
    flags: Document = {name: True for name in sorted(FLAGS) if getattr(entity, name, False)}
    namespace = getattr(entity, "namespace", "local")
    if namespace != "local":
        flags["namespace"] = str(namespace)
    blocks = {"http": _http(entity.http), "aws": entity.aws, "sql": _sql(getattr(entity, "sql", None))}
    return Held(
        annotations=dict(entity.annotations),
        metadata={space: dict(values) for space, values in entity.metadata.items()},
        cause=_cause(entity.cause),
        blocks={key: dict(block) for key, block in blocks.items() if isinstance(block, dict) and block},
        flags=flags,
    )


def _http(block: Document) -> Document:
    request = {key: short(value) for key, value in block.get("request", {}).items()}
    return {**block, "request": request} if request else block


def _sql(block: object) -> Document | None:
    if not isinstance(block, dict):
        return None
    return {key: short(value) if key == "user" else text(value) for key, value in block.items()}


def _cause(cause: Any) -> Document | str | None:  # noqa: ANN401 - a dict, or the id of an exception recorded elsewhere
    if not isinstance(cause, dict):
        return str(cause) if cause else None
    if not cause.get("exceptions"):
        return None
    return {**cause, "exceptions": [_throwable(each) for each in cause["exceptions"]]}


def _throwable(throwable: Any) -> Document:  # noqa: ANN401 - the SDK publishes no types
    made: Document = throwable.to_dict()
    return {**made, "message": text(made.get("message", ""))[:MAX_MESSAGE]}
