"""Hold what a segment document is built from: a span with its descendants, and the fields of the service."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from flask_onetrace.telemetry.sinks.xray.limits import Document
from flask_onetrace.telemetry.spans.exceptions import ExceptionSnapshot
from flask_onetrace.telemetry.spans.span import LightSpan

_ECS = "AWS::ECS::"
_RUNTIME = {"runtime": platform.python_implementation(), "runtime_version": platform.python_version()}
_SDK = {"sdk": "opentelemetry for python", "sdk_version": version("opentelemetry-sdk")}
_NO_ENTITIES: Mapping[int, Any] = MappingProxyType({})
_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ProcessInfo:
    """The fields of the service that every segment of one process has.

    `container` is the host name, as ECS sets it; `origin` is the kind of AWS resource that runs it, None elsewhere.
    """

    service: str
    version: str
    log_group: str | None
    origin: str | None
    container: str

    @cached_property
    def document(self) -> Document:
        """The fields that all segments share. Do not change it."""
        aws: Document = {"xray": _SDK}
        if self.origin is not None and self.origin.startswith(_ECS):
            aws["ecs"] = {"container": self.container}
        if self.log_group is not None:
            aws["cloudwatch_logs"] = [{"log_group": self.log_group}]
        document: Document = {"service": {"version": self.version, **_RUNTIME}, "aws": aws}
        return document if self.origin is None else {**document, "origin": self.origin}


@dataclass(slots=True, kw_only=True)
class SegmentSource:
    """A span, its descendants, and what handlers added to them, by span id."""

    root: LightSpan
    size: int
    """An estimate of the bytes that it keeps alive."""
    inner: Sequence[LightSpan] = ()
    entities: Mapping[int, Any] = field(default_factory=lambda: _NO_ENTITIES)
    """The X-Ray SDK's own subsegments."""
    segment: Any = None
    """The X-Ray SDK's own segment."""
    annotations: Mapping[int, Mapping[str, Any]] = field(default_factory=lambda: _NO_ENTITIES)
    event_ids: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    """The ids of error events: annotations of the segment."""
    is_request: bool = False
    """Whether `root` is the server span of a request."""
    is_forwarded: bool = False
    """Whether the client's address is from `X-Forwarded-For`, which anyone can write."""
    user: str | None = None
    error: ExceptionSnapshot | None = None
    sent: bool = False
    """Whether its documents were sent: a retry of the batch skips it."""

    @property
    def is_segment(self) -> bool:
        """Whether `root` starts this service's part of its trace; else it ended late, or another thread started it."""
        return self.is_request or not self.root.parent_id or self.root.has_remote_parent
