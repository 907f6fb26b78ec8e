"""The interface of a back end."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor

from flask_onetrace.telemetry.config import DropMetric, TelemetryConfig
from flask_onetrace.telemetry.context.request_scope import RequestScope
from flask_onetrace.telemetry.export.queue import ExportQueue
from flask_onetrace.telemetry.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceInfo:
    """The facts of the service that every sink gets, in addition to its own `Config`."""

    version: str
    environment: str
    access_logger: str
    resource: Resource
    redact: Redactor
    """Everything that a sink sends must pass through it."""
    drop_metric: DropMetric | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """One back end: the signals that it receives, and its queue. `off_because` is None when it is on."""

    name: str
    off_because: str | None = None
    warning: str | None = None
    """Logged once the app is observed: why the sink is off although its setting is there."""
    span_processor: SpanProcessor | None = None
    log_handler: logging.Handler | None = None
    log_access: Callable[[RequestScope], None] | None = None
    """Receives access lines, which bypass `logging`: a log record costs more than all else of a line."""
    report_exception: Callable[[BaseException], None] | None = None
    queue: ExportQueue[Any] | None = None
    install: Callable[[], None] | None = None
    """Hooks an SDK's process-wide state; called for every app, on or off, so it must be idempotent."""
    close: Callable[[], None] | None = None
    """Called when the queue has ended."""

    @property
    def on(self) -> bool:
        """Whether anything is sent to it."""
        return self.off_because is None

    def begin_close(self, seconds: float) -> None:
        """Ask the queue to send what it holds within `seconds`."""
        if self.queue is not None:
            self.queue.begin_close(seconds)

    def finish_close(self) -> bool:
        """Wait for the queue; return whether everything was delivered or dropped."""
        is_empty = self.queue is None or self.queue.finish_close()
        if self.close is not None:
            self.close()
        return is_empty

    def status(self) -> dict[str, Any]:
        """Return whether it is on, and why not."""
        return {"on": True} if self.on else {"on": False, "because": self.off_because}

    def detail(self) -> dict[str, Any]:
        """Return whether it is on, the counts of its items by outcome, and its last errors."""
        queue = self.queue
        if queue is None:
            return self.status()
        counts = queue.counts
        reasons = ("full", "failed", "refused", "repeated")
        dropped = {reason: getattr(counts, f"dropped_{reason}") for reason in reasons}
        limits = {"capacity": queue.capacity, "queued_bytes": queue.queued_bytes, "max_bytes": queue.max_bytes}
        figures = {"queued": queue.queued, **limits, "delivered": counts.delivered}
        errors = {"unauthorized": queue.unauthorized_reason, "last_error": queue.last_error}
        return {**self.status(), **figures, "dropped": dropped, **{name: text for name, text in errors.items() if text}}


def unset_reason(variable: str, unusable: Collection[str]) -> str:
    """Return the reason for a sink that is off: its `variable` is not set, or is one of the `unusable` ones."""
    return f"{variable} {'cannot be used' if variable in unusable else 'is not set'}"


def without_package(name: str, error: ImportError, *, setting: str, extra: str) -> Sink:
    """Return the sink `name`, off because a package that its `setting` needs cannot be imported."""
    remedy = f'pip install "Flask-OneTrace[{extra}]"'
    return Sink(
        name=name,
        off_because=f"{error}: {remedy}",
        warning=f"{setting} is set, but {name} is off, as its package cannot be imported: {error}: {remedy}",
    )


def service_info(config: TelemetryConfig) -> ServiceInfo:
    """Return what `config` says to every sink."""
    return ServiceInfo(
        version=config.service_version,
        environment=config.environment,
        access_logger=config.access_logger,
        resource=_resource(config),
        redact=Redactor(config.secrets, config.redact_names),
        drop_metric=config.drop_metric,
    )


def _resource(config: TelemetryConfig) -> Resource:
    # Resource.create() would run detectors, some of which wait for the network at start-up.
    return Resource(
        {
            "service.name": config.service_name,
            "service.version": config.service_version,
            "deployment.environment.name": config.environment,
            "telemetry.sdk.name": "opentelemetry",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": version("opentelemetry-sdk"),
        }
    )
