"""Post spans to the relay that would falsify what Honeycomb shows of the service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import orjson
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.attacks import raw_http
from bench.attacks.lab import Lab, Target
from bench.attacks.promise import Promise, Row, listed
from bench.attacks.relay_requests import attribute, batch, post
from bench.paths import HEALTH_CHECK
from bench.testbed.application import FRONTEND

_MARK = "forged-by-a-client"
_PROTOBUF = "application/x-protobuf"
_UNKNOWN_TAG = 999 << 3 | 2
"""Field 999, of a length that follows ("Encoding", protobuf's documentation)."""
_KEYS = 16_641
_KEYS_OF_A_SPAN = 33
_MAX_KEYS = 2_000
"""Distinct keys that may arrive. Honeycomb's data sets take 10,000 columns."""
_LAST_TIME = 2**64 - 1
"""Nanoseconds since the epoch: in the year 2554."""
FORGERY = Promise(
    f"spans posted to the relay with `SampleRate` 2^31, another `service.name`, a `user.id`, {_KEYS:,} attribute keys, "
    "unknown protobuf fields, times in the year 2554",
    "no forgery reaches Honeycomb, and an honest batch does",
)
COUNTED = Promise("the same forged spans", "refused requests are counted by `/api/health-check?detail`")
PROMISES = (FORGERY, COUNTED)

Check = Callable[[Any], bool]
"""Whether a request that was forwarded contains the forgery."""


def run(lab: Lab) -> Iterator[Row]:
    """Post each forgery, and an honest batch."""
    with lab.target() as target:
        counted = _refused(target)
        statuses = {name: raw_http.send(target.port, request).status for name, request, _ in _forgeries()}
        honest = batch()
        status = raw_http.send(target.port, post(honest)).status
        target.received.settle()
        forwarded = target.received.browser_requests()
        counted = _refused(target) - counted
    arrived = [name for name, _, check in _forgeries() if any(check(each) for each in forwarded)]
    trace_id = bytes.fromhex(honest["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"])
    is_honest = any(span.trace_id == trace_id for each in forwarded for span in _spans(each))
    text = listed(arrived, limit=9) or "none arrived"
    missing = "" if is_honest else f"; the honest batch did not (HTTP {status})"
    yield FORGERY.row(text + missing, holds=not arrived and is_honest)
    refused = sum(each >= 400 for each in statuses.values())
    yield COUNTED.row(f"{counted} of {refused} refused requests counted", holds=counted >= refused > 0)


def _forgeries() -> list[tuple[str, bytes, Check]]:
    """Return the name, the request and the check of each forgery."""
    other_service = batch()
    other_service["resourceSpans"][0]["resource"]["attributes"] = [attribute("service.name", "Backend-Flask")]
    second_name = batch()
    second_name["resourceSpans"][0]["resource"]["attributes"].append(attribute("service.name", "Backend-Flask"))
    distant = batch(startTimeUnixNano=str(_LAST_TIME - 1), endTimeUnixNano=str(_LAST_TIME))
    return [
        ("SampleRate", post(batch(attribute("SampleRate", 2**31))), lambda each: _has_key(each, "SampleRate")),
        ("service.name of another service", post(other_service), _names_other_service),
        ("a second service.name", post(second_name), _names_other_service),
        ("service.name of a span", post(batch(attribute("service.name", "x"))), _span_names_service),
        ("user.id", post(batch(attribute("user.id", "admin"))), lambda each: _has_key(each, "user.id")),
        (f"{_KEYS:,} keys", _with_many_keys(), lambda each: len(_keys(each)) > _MAX_KEYS),
        ("unknown fields", _with_unknown_fields(), lambda each: _MARK.encode() in each.SerializeToString()),
        (
            "the year 2554",
            post(distant),
            lambda each: _LAST_TIME in {s.end_time_unix_nano for s in _spans(each)},
        ),
    ]


def _with_many_keys() -> bytes:
    message = _message()
    spans = message.resource_spans[0].scope_spans[0].spans
    for start in range(0, _KEYS, _KEYS_OF_A_SPAN):
        span = spans.add()
        span.CopyFrom(spans[0])
        for number in range(start, min(start + _KEYS_OF_A_SPAN, _KEYS)):
            span.attributes.add(key=f"k{number:x}").value.int_value = 1
    return post(message.SerializeToString(), content_type=_PROTOBUF)


def _with_unknown_fields() -> bytes:
    field = bytes([_UNKNOWN_TAG & 0x7F | 0x80, _UNKNOWN_TAG >> 7, len(_MARK)]) + _MARK.encode()
    return post(_message().SerializeToString() + field, content_type=_PROTOBUF)


def _message() -> Any:  # noqa: ANN401 - generated messages have no types here
    document = batch()
    for span in document["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        span["traceId"], span["spanId"] = "AAAAAAAAAAAAAAAAAAAAAQ==", "AAAAAAAAAAE="
    return ParseDict(document, ExportTraceServiceRequest())


def _spans(forwarded: Any) -> list[Any]:  # noqa: ANN401 - as above
    return [span for resource in forwarded.resource_spans for scope in resource.scope_spans for span in scope.spans]


def _keys(forwarded: Any) -> set[str]:  # noqa: ANN401 - as above
    return {each.key for span in _spans(forwarded) for each in span.attributes}


def _has_key(forwarded: Any, key: str) -> bool:  # noqa: ANN401 - as above
    resources = {each.key for resource in forwarded.resource_spans for each in resource.resource.attributes}
    return key in _keys(forwarded) | resources


def _names_other_service(forwarded: Any) -> bool:  # noqa: ANN401 - as above
    names = [
        each.value.string_value
        for resource in forwarded.resource_spans
        for each in resource.resource.attributes
        if each.key == "service.name"
    ]
    return any(name != FRONTEND for name in names)


def _span_names_service(forwarded: Any) -> bool:  # noqa: ANN401 - as above
    return "service.name" in _keys(forwarded)


def _refused(target: Target) -> int:
    """Return the sum of what the health check counts as refused, whatever its reason."""
    detail = orjson.loads(raw_http.get(target.port, f"{HEALTH_CHECK}?detail").body)
    counts = [*detail.get("sinks", {}).values(), detail.get("relay", {})]
    return _sum([each.get("refused", 0) for each in counts])


def _sum(value: object) -> int:
    if isinstance(value, dict | list):
        return sum(map(_sum, value.values() if isinstance(value, dict) else value))
    return value if isinstance(value, int) else 0
