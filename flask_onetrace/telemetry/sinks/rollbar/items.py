"""Post error items, those included that application code creates with the SDK's own functions."""

from __future__ import annotations

from typing import Any

from flask_onetrace.telemetry.export.http_exporter import HttpExporter
from flask_onetrace.telemetry.observed_apps import current_telemetry
from flask_onetrace.telemetry.sink import ServiceInfo, Sink
from flask_onetrace.telemetry.sinks.rollbar import capture, sdk
from flask_onetrace.telemetry.sinks.rollbar.queue import ItemQueue


def connect_items(name: str, url: str, token: str, service: ServiceInfo) -> Sink:
    """Return the sink for a config that turns it on."""

    def current_queue() -> ItemQueue | None:
        telemetry = current_telemetry()
        queue = telemetry.queue_of(name) if telemetry is not None else None
        return queue if isinstance(queue, ItemQueue) else None

    def route(payload: dict[str, Any]) -> None:
        """Queue an item of the SDK's for the app that it belongs to."""
        if (queue := current_queue()) is not None:
            queue.put_payload(payload)

    def is_own(other_token: str) -> bool:
        queue = current_queue()
        return queue is not None and queue.is_own_token(other_token)

    sdk.prepare(route, is_own)
    capture.read_nothing_for_items()
    exporter = HttpExporter(
        url,
        {"x-rollbar-access-token": token, "content-type": "application/json"},
        credentials_remedy="check ROLLBAR_ACCESS_TOKEN; `make secrets` fills it in, a new deployment reads it",
        endpoint_remedy="check ROLLBAR_ENDPOINT",
    )

    def send(batch: list[bytes]) -> None:
        for body in batch:  # the API's `POST /api/1/item/` takes a single one
            exporter.send(body)

    queue = ItemQueue(name, send, service, lambda other: other == token)
    warning = sdk.other_project(queue.is_own_token)
    return Sink(name=name, warning=warning, report_exception=queue.report, queue=queue)
