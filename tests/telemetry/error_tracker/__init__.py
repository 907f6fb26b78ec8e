"""A fifth sink: send unhandled exceptions to an error tracker over HTTP, and put its event's id on the span."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

import orjson

from flask_onetrace.telemetry.config import Secret
from flask_onetrace.telemetry.context.trace_scope import current_scope
from flask_onetrace.telemetry.export.http_exporter import HttpExporter
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.sink import ServiceInfo, Sink

NAME: Final = "error-tracker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """On with a key."""

    error_tracker_key: Secret[str] | None = None
    error_tracker_endpoint: str = ""


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    if config.error_tracker_key is None:
        return Sink(name=NAME, off_because="ERROR_TRACKER_KEY is not set")
    if config.error_tracker_key.is_placeholder:
        return Sink(name=NAME, off_because="ERROR_TRACKER_KEY still holds its placeholder: run `make secrets`")
    exporter = HttpExporter(
        config.error_tracker_endpoint,
        {"authorization": config.error_tracker_key.reveal(), "content-type": "application/json"},
        credentials_remedy="check ERROR_TRACKER_KEY",
        endpoint_remedy="check ERROR_TRACKER_ENDPOINT",
    )

    def send(batch: list[dict[str, str]]) -> None:
        exporter.send(service.redact.json(orjson.dumps(batch)))

    queue = ExportQueue(NAME, send, drop_metric=service.drop_metric)

    def report(error: BaseException) -> None:
        event = {"event_id": uuid.uuid4().hex, "message": str(error), "release": service.version}
        if (scope := current_scope()) is not None:
            event["trace_id"] = scope.trace_hex
            scope.add_event_ids({"error_tracker.event_id": event["event_id"]})
        queue.put(event)

    return Sink(name=NAME, report_exception=report, queue=queue)
