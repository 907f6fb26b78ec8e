"""Wire an app as the tutorial does, with four integrations side by side: the baseline of every comparison.

It differs only where the tutorial's code no longer runs: Flask 2.3 removed `before_first_request`, and watchtower
renamed an argument.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from time import strftime
from typing import Any

import rollbar
import rollbar.contrib.flask
import watchtower
from aws_xray_sdk.core import xray_recorder
from aws_xray_sdk.ext.flask.middleware import XRayMiddleware
from flask import Flask, Response, got_request_exception, request
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor

from bench import shop
from bench.paths import SERVICE_NAME
from flask_onetrace.contract import CONTAINER_PORT, ROLLBAR_API, Variable

_SPAN_INTERVAL_MS = 5000
_LINE_INTERVAL_SECONDS = 60
"""The libraries' own defaults."""


class Tutorial:
    """The app with the tutorial's wiring."""

    def __init__(self, environment: Mapping[str, str], *, console: bool, slowdown: int = 1) -> None:
        self._provider = TracerProvider()
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=_SPAN_INTERVAL_MS * slowdown)
        )
        if console:
            self._provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
        trace.set_tracer_provider(self._provider)
        tracer = trace.get_tracer("home.activities")
        self._logger = logging.getLogger("tutorial")
        self._logger.setLevel(logging.DEBUG)
        self._logger.propagate = False
        self._handler = watchtower.CloudWatchLogHandler(
            log_group_name=environment.get(Variable.CLOUDWATCH_LOG_GROUP, "tutorial"),
            send_interval=_LINE_INTERVAL_SECONDS * slowdown,
        )
        self._logger.addHandler(self._handler)
        if console:
            self._logger.addHandler(logging.StreamHandler())

        def home() -> Any:  # noqa: ANN401 - any JSON
            with tracer.start_as_current_span("HomeActivities-MockData") as span:
                now = shop.now()
                span.set_attribute("home-activities-app.now", now.isoformat())
                results = shop.home_feed(now)
                span.set_attribute("home-activities-app.result_length", len(results))
                return results

        def notify() -> Any:  # noqa: ANN401 - any JSON
            self._logger.info("Hello CloudWatch! from  /api/activities/notifications")
            subsegment = xray_recorder.begin_subsegment("notifications_activities")
            now = shop.now()
            results = shop.notifications(now)
            if subsegment is not None:
                subsegment.put_metadata("key", {"now": now.isoformat(), "results-size": len(results)}, "namespace")
            xray_recorder.end_subsegment()
            return results

        self.app = shop.create_app(home, notify)
        self._wire(self.app, environment)

    def _wire(self, app: Flask, environment: Mapping[str, str]) -> None:
        FlaskInstrumentor().instrument_app(app)  # type: ignore[no-untyped-call]  # it publishes no types
        RequestsInstrumentor().instrument()
        xray_recorder.configure(service=SERVICE_NAME, dynamic_naming=f"*{CONTAINER_PORT}-*", sampling=False)
        XRayMiddleware(app, xray_recorder)

        @app.after_request
        def after_request(response: Response) -> Response:
            fields = (strftime("[%Y-%b-%d %H:%M]"), request.remote_addr, request.method, request.scheme)
            self._logger.error("%s %s %s %s %s %s", *fields, request.full_path, response.status)
            return response

        rollbar.init(
            environment.get(Variable.ROLLBAR_ACCESS_TOKEN, "none"),
            "production",
            endpoint=environment.get(Variable.ROLLBAR_ENDPOINT, ROLLBAR_API),
            allow_logging_basic_config=False,
        )
        got_request_exception.connect(rollbar.contrib.flask.report_exception, app)

    def flush(self) -> None:
        """Send all queued spans and lines."""
        self._provider.force_flush()
        self._handler.flush()  # type: ignore[no-untyped-call]  # it publishes no types
