"""A Celery worker: `celery --app examples.celery_worker worker --loglevel INFO`, with BROKER_URL as its broker.

OpenTelemetry's instrumentation for Celery, `pip install opentelemetry-instrumentation-celery`, sends the trace context
with each message, and opens the worker's root span.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from celery import Celery
from celery.signals import worker_init

from flask_onetrace.telemetry import annotate
from service.factory import create_app

log = logging.getLogger("worker")
celery = Celery("examples", broker=os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0"))
# Celery's own handlers would replace the root logger's.
celery.conf.worker_hijack_root_logger = False


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery publishes no types
def observe(**_: Any) -> None:  # noqa: ANN401 - a signal's arguments
    """Create the app, and keep it: it has the sinks."""
    celery.flask_app = create_app()


@celery.task  # type: ignore[untyped-decorator]  # as above
def resize(picture: str) -> str:
    """Resize a picture."""
    annotate(picture=picture)
    if not picture.endswith(".png"):
        raise ValueError("only PNG pictures can be resized")
    log.info("resized", extra={"picture": picture})
    return picture
