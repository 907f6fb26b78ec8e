"""Describe the measured service to the sinks."""

from __future__ import annotations

from bench.parts.spans import RESOURCE
from flask_onetrace.telemetry.redaction import Redactor
from flask_onetrace.telemetry.sink import ServiceInfo

SERVICE = ServiceInfo(
    version="1",
    environment="bench",
    access_logger="access",
    resource=RESOURCE,
    redact=Redactor({"HONEYCOMB_API_KEY": ["fake-honeycomb-key"], "ROLLBAR_ACCESS_TOKEN": ["fake-rollbar-token"]}),
    drop_metric=None,
)
