"""Build X-Ray segment documents from finished spans ("AWS X-Ray segment documents", X-Ray Developer Guide)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from opentelemetry.trace import SpanKind, StatusCode

from flask_onetrace.telemetry.ids import span_hex, xray_trace_id
from flask_onetrace.telemetry.plain import text
from flask_onetrace.telemetry.safe_logging import safe_logger
from flask_onetrace.telemetry.sinks.xray.cause import cause_of_error, cause_of_events
from flask_onetrace.telemetry.sinks.xray.http import FLAGS, NOT_METADATA, host_of, http_block
from flask_onetrace.telemetry.sinks.xray.limits import AnnotationBudget, Document, segment_name, short
from flask_onetrace.telemetry.sinks.xray.packing import pack
from flask_onetrace.telemetry.sinks.xray.remote_calls import remote_call
from flask_onetrace.telemetry.sinks.xray.sdk_entities import NO_FIELDS, fields_of
from flask_onetrace.telemetry.sinks.xray.segment_source import ProcessInfo, SegmentSource
from flask_onetrace.telemetry.spans.span import LightSpan
from flask_onetrace.telemetry.spans.unsampled import OUTGOING

logger = safe_logger(__name__)

_NANOSECONDS = 1_000_000_000
CONFIGURED_NAME_ANNOTATION = "service_name"
"""The annotation with the configured name of a segment that is named after its host: groups filter by it.

The contract, which the telemetry does not import, has the same name; tests/telemetry/test_contract_names.py checks it.
"""
_EMPTY: Mapping[str, Any] = MappingProxyType({})


def encode(
    source: SegmentSource, process: ProcessInfo, name: str | None = None, *, careful: bool = False
) -> Iterable[bytes]:
    """Return the JSON of the segment or independent subsegment: several documents where one would be too long.

    `name` overrides the service's, where dynamic naming uses the host of the request. `careful` leaves out the details
    of each subsegment that cannot be encoded with them.
    """
    builder = _CarefulBuilder if careful else _Builder
    return pack(builder(source, process, name or process.service).tree())


class _Builder:
    """Build the document of one source."""

    __slots__ = ("_budget", "_name", "_process", "_source")

    def __init__(self, source: SegmentSource, process: ProcessInfo, name: str) -> None:
        self._source = source
        self._process = process
        self._name = name
        self._budget = AnnotationBudget()

    def tree(self) -> Document:
        """Return the segment with its subsegments; for a span that outlived its request, an independent subsegment."""
        source = self._source
        inner = source.inner
        top = self._segment() if source.is_segment else self._independent()
        if len(inner) == 1:
            top["subsegments"] = [self._subsegment(inner[0])]
        elif inner:
            spans = sorted(inner, key=lambda span: span.start_time or 0)
            subsegments = {span.span_id: self._subsegment(span) for span in spans}
            for span in spans:
                # A span whose parent has not ended yet, and so is not among them, becomes a child of the root.
                subsegments.get(span.parent_id, top).setdefault("subsegments", []).append(subsegments[span.span_id])
        return top

    def _segment(self) -> Document:
        source = self._source
        span = source.root
        document: Document = {
            **_common(span, segment_name(self._name)),
            "trace_id": xray_trace_id(span.trace_id),
            **self._process.document,
            **http_block(span.raw_attributes, span.kind),
        }
        if span.parent_id:
            document["parent_id"] = span_hex(span.parent_id)
        if source.is_forwarded:
            document.setdefault("http", {}).setdefault("request", {})["x_forwarded_for"] = True
        if source.user is not None:
            document["user"] = short(source.user)
        if source.error is not None:
            document["fault"] = True
            document["cause"] = cause_of_error(source.error.exception)
        elif not span.is_plain:
            document |= _failure(span, document)
        return self._add_details(document, span, source.segment, self._segment_annotations())

    def _independent(self) -> Document:
        span = self._source.root
        parent = {"trace_id": xray_trace_id(span.trace_id), "parent_id": span_hex(span.parent_id)}
        return {**self._subsegment(span), "type": "subsegment", **parent}

    def _subsegment(self, span: LightSpan) -> Document:
        source = self._source
        document = _common(span, segment_name(span.name))
        not_metadata = NOT_METADATA
        if span.kind is not SpanKind.INTERNAL:  # most are: to look for a kind in a set takes a call
            if span.kind in OUTGOING:
                fields, not_metadata = remote_call(span)
            else:
                fields = http_block(span.raw_attributes, span.kind)
            document |= fields
        if not span.is_plain:
            document |= _failure(span, document)
        annotations = source.annotations.get(span.span_id, _EMPTY)
        return self._add_details(document, span, source.entities.get(span.span_id), annotations, not_metadata)

    def _add_details(
        self,
        document: Document,
        span: LightSpan,
        entity: Any,  # noqa: ANN401 - the SDK publishes no types
        values: Mapping[str, Any],
        not_metadata: frozenset[str] = NOT_METADATA,
    ) -> Document:
        """Add annotations (`values`), metadata and the fields of the SDK's entity; the span's ids and times stay."""
        attributes = span.raw_attributes
        fields = NO_FIELDS if entity is None else fields_of(entity)
        keys = _metadata_keys(tuple(attributes), not_metadata)
        default: Mapping[str, Any] = _EMPTY
        if values or fields.annotations:
            values = {**values, **fields.annotations}
            annotations, default = self._budget.spend(values)
            if annotations:
                document["annotations"] = annotations
        if keys:
            shown = values.keys() | fields.mirrored if fields.mirrored else values
            default = {**{key: attributes[key] for key in keys if key not in shown}, **default}
        metadata = fields.metadata
        if default:
            metadata = {**metadata, "default": {**default, **metadata.get("default", {})}}
        if metadata:
            document["metadata"] = metadata
        return document if fields is NO_FIELDS else fields.apply_to(document)

    def _segment_annotations(self) -> Mapping[str, Any]:
        """Return the annotations by which segments are searched, and those of the handler."""
        source, span = self._source, self._source.root
        annotations: Document = {}
        if self._name != self._process.service:
            annotations[CONFIGURED_NAME_ANNOTATION] = self._process.service
        if not source.is_request:
            annotations["operation"] = span.name
        annotations |= source.event_ids
        from_handler = source.annotations.get(span.span_id, _EMPTY)
        return {**annotations, **from_handler} if annotations else from_handler


class _CarefulBuilder(_Builder):
    """Build the document of a source of which something cannot be encoded: that subsegment is sent without its details.

    What is queued is plain data: this is the last net.
    """

    __slots__ = ()

    def _subsegment(self, span: LightSpan) -> Document:
        try:
            return super()._subsegment(span)
        except Exception:
            logger.exception("cannot encode a subsegment: it is sent without what it holds")
            return _common(span, segment_name(text(span.name)))


def request_host(source: SegmentSource) -> str | None:
    """Return the host of a request, for dynamic naming; None for any other source."""
    return host_of(source.root.raw_attributes) if source.is_request else None


@lru_cache(maxsize=1024)
def _metadata_keys(keys: tuple[str, ...], not_metadata: frozenset[str]) -> tuple[str, ...]:
    """Return the attributes that become metadata. Cached: spans of the same code have the same keys."""
    return tuple(key for key in keys if key not in not_metadata)


def _failure(span: LightSpan, document: Document) -> Document:
    """Return the fault flag and cause by the span's status and events; no flag where `document` has one."""
    failure: Document = {}
    if span.status.status_code is StatusCode.ERROR and not FLAGS & document.keys():
        failure["fault"] = True
    if (cause := cause_of_events(span)) is not None:
        failure["cause"] = cause
    return failure


def _common(span: LightSpan, name: str) -> Document:
    return {
        "name": name,
        "id": span_hex(span.span_id),
        "start_time": (span.start_time or 0) / _NANOSECONDS,
        "end_time": (span.end_time or 0) / _NANOSECONDS,
    }
