"""A message's trace context is read from where each kind of queue puts it; any other object carries none."""

from __future__ import annotations

import random
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context import Context

from flask_onetrace.telemetry.context.messages import message_context
from tests.telemetry.tracing import PARENT, ROOT, TRACE, TRACEPARENT

XRAY = f"Root={ROOT};Parent={PARENT};Sampled=1"


def span_context(message: object) -> trace.SpanContext:
    return trace.get_current_span(message_context(message, Context())).get_span_context()


@pytest.mark.parametrize(
    "message",
    [
        {"traceparent": TRACEPARENT},
        {"Traceparent": TRACEPARENT.encode()},
        {"traceparent": [TRACEPARENT]},
        {"X-Amzn-Trace-Id": XRAY},
        {"headers": {"traceparent": TRACEPARENT}},
        {"MessageId": "1", "Body": "{}", "Attributes": {"AWSTraceHeader": XRAY}},
        {"MessageAttributes": {"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}}},
        {"messageId": "1", "attributes": {"AWSTraceHeader": XRAY}, "messageAttributes": {}},
        {"messageAttributes": {"traceparent": {"dataType": "String", "stringValue": TRACEPARENT}}},
        {"MessageAttributes": {"traceparent": {"DataType": "Binary", "BinaryValue": TRACEPARENT.encode()}}},
        [("traceparent", TRACEPARENT.encode())],
        {b"traceparent": TRACEPARENT.encode()},
    ],
    ids=[
        "headers",
        "bytes",
        "list",
        "x-ray header",
        "nested",
        "sqs",
        "sqs attribute",
        "lambda",
        "lambda attribute",
        "binary",
        "pairs",
        "bytes names",
    ],
)
def test_the_senders_span_is_the_parent(message: object) -> None:
    context = span_context(message)
    assert (f"{context.trace_id:032x}", f"{context.span_id:016x}") == (TRACE, PARENT)
    assert (context.is_remote, context.trace_flags.sampled) == (True, True)


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        7,
        [],
        {},
        {"traceparent": "no"},
        {"traceparent": None},
        {"Attributes": None},
    ],
)
def test_a_message_without_a_senders_span_begins_a_trace(message: object) -> None:
    assert not span_context(message).is_valid


class HostileError(Exception):
    """Raised by an object that cannot be read."""


class Hostile(dict[str, object]):
    def items(self) -> Any:  # noqa: ANN401 - it returns nothing
        raise HostileError


def test_no_message_raises() -> None:
    draw = random.Random(7)
    values: list[Any] = [TRACEPARENT, XRAY, "", b"\xff", 7, None, [], {}, Hostile(), object(), "=" * 5_000]
    names = ["traceparent", "tracestate", "X-Amzn-Trace-Id", "Attributes", "MessageAttributes", 7, None, "\x00"]
    for _ in range(2_000):
        message: dict[Any, Any] = {draw.choice(names): draw.choice(values) for _ in range(draw.randrange(4))}
        if draw.random() < 0.3:
            message[draw.choice(names)] = dict(message)
        message_context(message, Context())
