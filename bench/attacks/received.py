"""Read what the fake servers of the sinks received: spans, log lines, error items, the browser's spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.testbed.sinks import Sinks

_PROTOBUF = "application/x-protobuf"
_POLL_INTERVAL = 0.1


class Received:
    """What arrived at the four sinks. `sinks` has to keep the bodies."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks

    def spans(self) -> list[dict[str, Any]]:
        """Return the service's spans; `attributes` is a dict of plain values, `resource` one of the resource's."""
        return [
            {**span, "attributes": _attributes(span), "resource": _attributes(resource_spans.get("resource", {}))}
            for headers, body in self._bodies("honeycomb")
            if headers.get("content-type") != _PROTOBUF
            for resource_spans in orjson.loads(body)["resourceSpans"]
            for scope in resource_spans["scopeSpans"]
            for span in scope["spans"]
        ]

    def browser_requests(self) -> list[Any]:
        """Return what the relay forwarded, as `ExportTraceServiceRequest`."""
        return [
            ExportTraceServiceRequest.FromString(body)
            for headers, body in self._bodies("honeycomb")
            if headers.get("content-type") == _PROTOBUF
        ]

    def raw_lines(self) -> list[str]:
        """Return the messages of the log events."""
        documents = (orjson.loads(body) for _, body in self._bodies("cloudwatch"))
        return [event["message"] for document in documents for event in document.get("logEvents", ())]

    def lines(self) -> list[dict[str, Any]]:
        """Return the log lines, decoded."""
        return [orjson.loads(line) for line in self.raw_lines()]

    def items(self) -> list[dict[str, Any]]:
        """Return the `data` of each error item."""
        return [orjson.loads(body)["data"] for _, body in self._bodies("rollbar")]

    def everything(self) -> bytes:
        """Return all bodies, datagrams and request headers' values but the keys that the sinks need, in one text."""
        bodies = [body for name in self._sinks.servers for _, body in self._bodies(name)]
        return b"\n".join([*bodies, *(self._sinks.daemon.datagrams or ())])

    def wait_for(self, condition: Callable[[Received], bool], seconds: float = 6.0) -> bool:
        """Wait until `condition` holds; return whether it does."""
        deadline = time.monotonic() + seconds
        while not (holds := condition(self)) and time.monotonic() < deadline:
            time.sleep(_POLL_INTERVAL)
        return holds

    def settle(self, quiet: float = 1.5, seconds: float = 20.0) -> None:
        """Wait until no sink has received anything for `quiet` seconds: every queue is sent within half a second."""
        deadline, last = time.monotonic() + seconds, self._sinks.received()
        changed = time.monotonic()
        while time.monotonic() < deadline and time.monotonic() - changed < quiet:
            time.sleep(_POLL_INTERVAL)
            if (now := self._sinks.received()) != last:
                last, changed = now, time.monotonic()

    def _bodies(self, name: str) -> Iterator[tuple[dict[str, str], bytes]]:
        for _, headers, body in [*(self._sinks.servers[name].exchanges or ())]:
            if body:
                yield headers, body


def _attributes(owner: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values()), None) for each in owner.get("attributes", ())}
