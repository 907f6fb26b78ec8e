"""Build the benchmark's app with our telemetry, and with the tutorial's spans, subsegments and log lines."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from aws_xray_sdk.core import xray_recorder
from flask import Flask
from opentelemetry import trace

from bench import shop
from bench.overhead.subject import Subject
from flask_onetrace.settings import Settings
from flask_onetrace.telemetry import Telemetry
from flask_onetrace.telemetry_config import telemetry_config

tracer = trace.get_tracer("home.activities")
LOGGER = logging.getLogger("service.bench")


def home() -> Any:  # noqa: ANN401 - any JSON
    """Serve the feed within the tutorial's span."""
    with tracer.start_as_current_span("HomeActivities-MockData") as span:
        now = shop.now()
        span.set_attribute("home-activities-app.now", now.isoformat())
        results = shop.home_feed(now)
        span.set_attribute("home-activities-app.result_length", len(results))
        return results


def notify() -> Any:  # noqa: ANN401 - any JSON
    """Serve the notifications within the tutorial's subsegment."""
    LOGGER.info("Hello CloudWatch! from  /api/activities/notifications")
    subsegment = xray_recorder.begin_subsegment("notifications_activities")
    now = shop.now()
    results = shop.notifications(now)
    subsegment.put_metadata("key", {"now": now.isoformat(), "results-size": len(results)}, "namespace")
    xray_recorder.end_subsegment()
    return results


def build(environment: Mapping[str, str], slowdown: int) -> Subject:
    """Return the app with its telemetry, the intervals of whose queues are `slowdown` times the usual ones."""
    return instrument(shop.create_app(home, notify), environment, slowdown)


def instrument(app: Flask, environment: Mapping[str, str], slowdown: int) -> Subject:
    """Install the telemetry of `environment` in `app`; `slowdown` as for `build`."""
    telemetry = Telemetry(telemetry_config(Settings.from_env(environment)))
    telemetry.install(app)
    if telemetry.sink("rollbar").on:
        from flask_onetrace.telemetry.sinks.rollbar import causes  # noqa: PLC0415 - imports the SDK

        causes.BURST = 1_000_000  # the faults that are measured are all of one cause
    queues = [sink.queue for sink in telemetry.sinks if sink.queue is not None]
    for queue in queues:
        queue.interval *= slowdown
    return Subject(
        app,
        flush=lambda: telemetry.flush(30),
        dropped=lambda: sum(queue.counts.dropped for queue in queues),
        queued=lambda: sum(queue.queued for queue in queues),
    )
