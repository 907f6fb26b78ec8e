"""Send log lines to CloudWatch Logs with watchtower."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_onetrace.telemetry.sink import ServiceInfo, Sink, without_package

NAME: Final = "cloudwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """On with a log group, which the infrastructure creates."""

    log_group: str | None = None
    aws_region: str | None = None


def connect(config: Config, service: ServiceInfo) -> Sink:
    """Return the sink."""
    if config.log_group is None:
        return Sink(name=NAME, off_because="CLOUDWATCH_LOG_GROUP is not set")
    try:
        from flask_onetrace.telemetry.sinks.cloudwatch.handler import QueueingHandler  # noqa: PLC0415 - watchtower imports boto3
    except ImportError as error:
        return without_package(NAME, error, setting="CLOUDWATCH_LOG_GROUP", extra="cloudwatch")
    handler = QueueingHandler(NAME, config.log_group, config.aws_region, service)
    return Sink(name=NAME, log_handler=handler, log_access=handler.queue.put, queue=handler.queue)
